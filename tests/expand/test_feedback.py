"""Feedback: the words and the vector of what a first search found."""

import numpy as np
import pytest
from expanding import BAKERY, finding, first_pass, indexed, nothing

from retrievo import Document, Pipeline
from retrievo.errors import ConfigError, SearchError
from retrievo.expand.feedback import FeedbackExpander
from retrievo.types import Query

ENCODER = Pipeline.part("encoder", "static")


@pytest.fixture
def bakery():
    return indexed()


def feedback(pipeline, **more):
    return FeedbackExpander(pipeline.store, ENCODER, **more)


def expanded(pipeline, query, find, **more):
    [made] = feedback(pipeline, **more).expand_found(query, find)
    return made


def test_words_weigh_as_rm3_has_them(bakery):
    # P(w|oven) of "oven bakes bread bread wants hot oven": 7 terms. Two of the query's words, so
    # (1 - .5) / .5 * 2 * P.
    query = Query("hot ovens")
    made = expanded(bakery, query, finding(bakery, "oven"), original_weight=0.5, terms=2, beta=0)
    assert made.text == "hot ovens"
    assert made.terms == pytest.approx({"bread": 1.0, "oven": 1.0})


def test_the_share_of_the_query_is_an_argument(bakery):
    made = expanded(
        bakery, Query("hot ovens"), finding(bakery, "oven"), original_weight=0.8, terms=2
    )
    assert sum(made.terms.values()) == pytest.approx(0.2 / 0.8 * 2)


def test_words_that_the_query_brings_are_kept(bakery):
    query = Query("hot ovens", terms={"bread": 1.0, "cake": 0.5})
    made = expanded(bakery, query, finding(bakery, "oven"), original_weight=0.5, terms=2)
    assert made.terms == pytest.approx({"bread": 2.0, "oven": 1.0, "cake": 0.5})
    assert query.terms == {"bread": 1.0, "cake": 0.5}


def test_better_passages_count_more(bakery):
    find = finding(bakery, "oven", "keys", scores=[9 ** (1 / 12), 1.0])
    made = expanded(bakery, Query("hot"), find, original_weight=0.5, terms=50)
    # "door(s)" is 2 of the 6 terms of "keys open doors door one lock", at a weight of 1/10.
    assert made.terms["bread"] == pytest.approx(0.9 * 2 / 7, rel=1e-5)
    assert made.terms["door"] == pytest.approx(0.1 * 2 / 6, rel=1e-5)


def test_no_more_documents_are_looked_at_than_asked(bakery):
    find = finding(bakery, "oven", "keys")
    made = expanded(bakery, Query("hot"), find, documents=1, terms=50)
    assert "lock" not in made.terms
    assert find.asked[0][1] == 1


def test_a_first_pass_that_gives_too_much_is_cut(bakery):
    find = finding(bakery, "oven", "keys")
    made = expanded(bakery, Query("hot"), lambda query, depth: find(query, 9), documents=1)
    assert "lock" not in made.terms


def test_words_of_too_many_chunks_are_left_out():
    documents = [Document(f"d{i}", f"common word{i}") for i in range(40)]
    pipeline = indexed(documents)
    made = expanded(pipeline, Query("x"), finding(pipeline, "d3"), documents=2)
    assert set(made.terms) == {"word3"}
    made = expanded(pipeline, Query("x"), finding(pipeline, "d3"), documents=2, most_common=1.0)
    assert set(made.terms) == {"word3", "common"}


def test_words_of_metadata(bakery):
    find = finding(bakery, "oven", "flour", "vault")
    made = expanded(
        bakery, Query("hot"), find, metadata=["tags", "by"], original_weight=0.5, beta=0
    )
    # Thirds: oven "baking heat", flour "baking Ada", vault "security heat".
    assert made.terms == pytest.approx(
        {"baking": 1 / 3, "heat": 1 / 3, "ada": 1 / 6, "security": 1 / 6}
    )


def test_metadata_that_nothing_has_adds_nothing(bakery):
    made = expanded(bakery, Query("hot"), finding(bakery, "oven"), metadata=["no.such"], beta=0)
    assert made.terms == {}


def test_the_vector_is_rocchios(bakery):
    find = finding(bakery, "oven", "flour")
    made = expanded(bakery, Query("hot"), find, alpha=1.0, beta=0.5, terms=0)
    [own] = ENCODER.encode_query(["hot"])
    texts = [one.text for one in BAKERY[:2]]
    wanted = own + 0.5 * ENCODER.encode_document(texts).mean(axis=0)
    np.testing.assert_allclose(made.vectors["dense"], wanted / np.linalg.norm(wanted), atol=1e-3)
    assert made.terms == {}


def test_a_vector_that_the_first_pass_has_encoded_is_not_encoded_again(bakery):
    class Refuses:
        def encode_query(self, texts):
            raise AssertionError("encoded again")

    expander = FeedbackExpander(bakery.store, Refuses())
    query = Query("hot oven")
    [made] = expander.expand_found(query, first_pass(bakery))
    assert np.linalg.norm(made.vectors["dense"]) == pytest.approx(1, abs=1e-5)
    assert query.vectors == {} and not query.terms


def test_a_moved_vector_is_nearer_to_what_was_found(bakery):
    find = finding(bakery, "oven")
    made = expanded(bakery, Query("heat"), find)
    [own] = ENCODER.encode_query(["heat"])
    [oven] = bakery.store.vectors("dense", bakery.store.document_rows(["oven"])[0])
    assert made.vectors["dense"] @ oven > own @ oven


def test_beta_zero_leaves_the_vector(bakery):
    assert expanded(bakery, Query("hot"), finding(bakery, "oven"), beta=0).vectors == {}


def test_original_weight_one_adds_no_words(bakery):
    assert expanded(bakery, Query("hot"), finding(bakery, "oven"), original_weight=1).terms == {}


def test_with_nothing_found_the_query_is_as_it_was(bakery):
    query = Query("hot", 0.5, terms={"oven": 0.1})
    assert feedback(bakery).expand_found(query, nothing) == [query]


def test_a_query_of_stop_words_counts_as_one_word(bakery):
    made = expanded(bakery, Query("the of"), finding(bakery, "oven"), original_weight=0.5)
    assert sum(made.terms.values()) == pytest.approx(1)


def test_an_index_without_vectors_gets_words_alone(tmp_path):
    config = tmp_path / "pipeline.toml"
    config.write_text('[retrievers.bm25]\nuse = "bm25"\n')
    pipeline = Pipeline.from_toml(config)
    pipeline.index(BAKERY)
    made = expanded(pipeline, Query("hot"), finding(pipeline, "oven"))
    assert made.terms and made.vectors == {}


def test_vectors_of_another_size_are_refused(bakery):
    narrow = Pipeline.part("encoder", "static", truncate_dim=64)
    expander = FeedbackExpander(bakery.store, narrow)
    with pytest.raises(SearchError, match=r"64 numbers, those of the index .* 256.*beta = 0"):
        expander.expand_found(Query("hot"), finding(bakery, "oven"))


def test_without_a_first_search_there_is_an_error(bakery):
    with pytest.raises(SearchError, match="expand_found"):
        feedback(bakery).expand("hot")


@pytest.mark.parametrize(
    "bad",
    [
        {"documents": 0},
        {"documents": 1.5},
        {"terms": -1},
        {"original_weight": 0},
        {"original_weight": 1.1},
        {"original_weight": float("nan")},
        {"most_common": 0},
        {"alpha": -1},
        {"beta": float("inf")},
        {"beta": True},
        {"alpha": 0, "beta": 0},
        {"metadata": "tags"},
        {"metadata": [""]},
        {"language": "klingon"},
    ],
)
def test_what_makes_no_sense_is_refused(bakery, bad):
    with pytest.raises(ConfigError):
        feedback(bakery, **bad)
