"""Topics by keywords: what a query near one gets, and tags."""

import numpy as np
import pytest
from expanding import BAKERY, indexed

from retrievo import Document, Pipeline
from retrievo.errors import ConfigError, RetrievoWarning, SearchError
from retrievo.expand.keywords import KeywordsExpander
from retrievo.expand.topics import Tag
from retrievo.types import Query

ENCODER = Pipeline.part("encoder", "static")
TOPICS = {"baking": ["bread", "oven", "flour"], "security": ["key", "lock", "door"]}


@pytest.fixture
def bakery():
    return indexed()


def keywords(pipeline, topics=TOPICS, **more):
    return KeywordsExpander(topics, ENCODER, pipeline.store, **more)


def test_a_query_near_a_topic_gets_its_words_and_its_vector(bakery):
    expander = keywords(bakery, original_weight=0.5)
    [made] = expander.expand("baked bread")
    # (1 - .5) / .5 for each of the query's two words, shared by three keywords.
    assert made.terms == pytest.approx(dict.fromkeys(TOPICS["baking"], 2 / 3))
    own = ENCODER.encode_query(["baked bread"])[0]
    label = expander.topics().vectors[0]
    wanted = own + label
    np.testing.assert_allclose(made.vectors["dense"], wanted / np.linalg.norm(wanted), atol=1e-6)
    assert (made.text, made.weight) == ("baked bread", 1.0)


def test_a_topic_is_made_of_the_chunks_that_are_near(bakery):
    topics = keywords(bakery, offset=0.0).topics()
    assert topics.names == ("baking", "security") and topics.documents == (1, 1)
    stored = {
        one.id: bakery.store.vectors("dense", bakery.store.document_rows([one.id])[0])[0]
        for one in BAKERY
    }
    assert max(stored, key=lambda name: stored[name] @ topics.vectors[0]) in ("oven", "flour")
    assert max(stored, key=lambda name: stored[name] @ topics.vectors[1]) in ("keys", "vault")


def test_a_query_that_is_near_to_none_stays_as_it_is(bakery):
    [made] = keywords(bakery).expand("quarterly revenue of shipping companies")
    assert not made.terms and not made.vectors.get("dense", np.empty(0)).any()
    [made] = keywords(bakery, threshold=1.0).expand("baked bread")
    assert not made.terms


def test_a_low_threshold_takes_the_nearest(bakery):
    [made] = keywords(bakery, threshold=-1.0).expand("quarterly revenue of shipping companies")
    assert made.terms


def test_each_keyword_is_near_to_its_own_topic(bakery):
    expander = keywords(bakery)
    for name, words in TOPICS.items():
        for word in words:
            [made] = expander.expand(word)
            assert set(made.terms) == set(TOPICS[name])


def test_keywords_of_several_words_are_words(bakery):
    expander = keywords(bakery, {"baking": ["Bread oven", "oven dough"]}, threshold=-1.0)
    assert set(expander.expand("loaves")[0].terms) == {"bread", "oven", "dough"}


def test_what_a_query_has_already_is_kept(bakery):
    given = Query("rye bread", 0.5, {"other": np.ones(2, np.float32)}, {"bread": 1.0})
    [made] = keywords(bakery, threshold=-1.0).expand_query(given)
    assert made.terms["bread"] > 1 and made.weight == 0.5 and "other" in made.vectors
    assert given.terms == {"bread": 1.0} and set(given.vectors) == {"other"}


def test_texts_are_tagged(bakery):
    texts = ["Rye bread from a stone oven", "A padlock for the gate", ""]
    with pytest.warns(RetrievoWarning, match="empty"):
        found = keywords(bakery).tag(texts)
    assert [tag.topic for tag in found] == ["baking", "security", None]
    assert 0 < found[1].score <= 1 and found[2] == Tag(None, 0.0)
    assert keywords(bakery).tag([]) == []


def test_an_empty_index_has_topics_of_keywords():
    expander = keywords(indexed([]))
    assert expander.topics().documents == (0, 0)
    assert expander.tag(["Rye bread"])[0].topic == "baking"


def test_topics_are_made_again_when_the_index_has_grown(bakery):
    expander = keywords(bakery, offset=2.0)
    assert expander.topics().documents == (4, 4)
    assert expander.topics() is expander.topics()
    bakery.index([Document("more", "Rye bread.")])
    assert expander.topics().documents == (5, 5)


def test_topics_are_not_made_of_tenants_chunks():
    pipeline = Pipeline()
    pipeline.index(BAKERY, tenant="ada")
    with pytest.warns(RetrievoWarning, match="keeps tenants apart"):
        topics = keywords(pipeline).topics()
    assert topics.documents == (0, 0)


def test_an_index_without_vectors_gives_words_alone(tmp_path):
    config = tmp_path / "pipeline.toml"
    config.write_text('[retrievers.bm25]\nuse = "bm25"\n')
    pipeline = Pipeline.from_toml(config)
    pipeline.index(BAKERY)
    [made] = keywords(pipeline, threshold=-1.0).expand("loaves")
    assert made.terms and made.vectors == {}


def test_vectors_of_another_size_are_refused(bakery):
    narrow = Pipeline.part("encoder", "static", truncate_dim=64)
    with pytest.raises(SearchError, match="keywords moves vectors of 64 numbers"):
        KeywordsExpander(TOPICS, narrow, bakery.store).expand("loaves")


def test_empty_queries(bakery):
    assert keywords(bakery).expand(" ") == [Query(" ")]


def test_a_pipeline_takes_it_from_its_table(tmp_path):
    config = tmp_path / "pipeline.toml"
    config.write_text(
        '[expander]\nuse = "keywords"\n[expander.topics]\nbaking = ["bread", "oven"]\n'
    )
    pipeline = Pipeline.from_toml(config)
    pipeline.index(BAKERY)
    assert pipeline.search("rye dough", top_k=1)[0].doc_id in ("oven", "flour")


@pytest.mark.parametrize(
    "bad",
    [
        {"topics": {}},
        {"topics": {"a": []}},
        {"topics": {"a": "bread"}},
        {"topics": {"a": [" "]}},
        {"topics": {"a": [1]}},
        {"threshold": 2},
        {"original_weight": 0},
        {"offset": -0.1},
        {"min_documents": 0},
        {"min_documents": 5, "max_documents": 4},
        {"language": "klingon"},
    ],
)
def test_what_makes_no_sense_is_refused(bakery, bad):
    with pytest.raises(ConfigError):
        keywords(bakery, **bad)
