"""Which language texts are read in, and what a query's added words and their places are."""

import warnings

import numpy as np
import pytest
from filled_stores import filled_with

from retrievo import ConfigError
from retrievo.errors import RetrievoWarning
from retrievo.retrieve.analysis import Analysis, known_language
from retrievo.retrieve.bm25 import Bm25Retriever
from retrievo.retrieve.terms import Terms
from retrievo.store.local.store import LocalStore
from retrievo.store.memory.store import MemoryStore
from retrievo.types import Chunk, Query

BOTH = {"language": "metadata:lang", "languages": ["english", "german"]}
TEXTS = [
    ("The houses were bought", {"lang": "en"}),
    ("Die Häuser wurden gekauft, alle Häuser", {"lang": "de-AT"}),
    ("Houses of nobody", {"lang": "klingon"}),
    ("A garden with flowers", {}),
]


@pytest.fixture(params=["memory", "local"])
def store(request, tmp_path):
    yield MemoryStore() if request.param == "memory" else LocalStore(tmp_path / "index")


def found(retriever, store, query):
    [one] = retriever.search([query], 10)
    return dict(zip([c.doc_id for c in store.get(one.rows)], one.scores.tolist(), strict=True)), one


def test_each_text_is_read_in_its_language(store):
    with pytest.warns(RetrievoWarning, match=r"2 of 4 chunks have in 'lang' none of .* as english"):
        retriever = filled_with(store, TEXTS, **BOTH)
    for word in ["Haus", "Häusern"]:
        assert set(found(retriever, store, Query(word))[0]) == {"d1"}
    assert set(found(retriever, store, Query("house"))[0]) == {"d0", "d2"}
    assert set(found(retriever, store, Query("flower"))[0]) == {"d3"}


def test_what_languages_make_alike_counts_once():
    both = Analysis("metadata:lang", ["english", "german"], None, "off")
    english = Analysis("english", None, None, "off")
    [word] = english.weights(Query("garden"))
    assert both.weights(Query("garden garden"))[word] == 2
    assert len(both.weights(Query("flowers"))) == 2  # flower, and in German flow


def test_the_bound_holds_with_several_languages(store):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        retriever = filled_with(store, TEXTS, **BOTH)
    for text in ["houses Häuser flowers", "garden", "bought gekauft"]:
        scores, one = found(retriever, store, Query(text))
        assert max(scores.values()) <= one.bound
        for chunk, score in zip(store.get(one.rows), one.scores.tolist(), strict=True):
            parts = retriever.token_scores(Query(text), chunk)
            assert sum(part.score for part in parts) == pytest.approx(score, abs=1e-5)


def test_names_of_languages():
    assert known_language("DE") == known_language("de_CH") == known_language(" German ") == "german"
    assert known_language("xx") is known_language(None) is known_language(3) is None


def test_settings_of_languages():
    one = Bm25Retriever(MemoryStore(), **BOTH).representations["bm25"]
    other = Bm25Retriever(MemoryStore(), language="english").representations["bm25"]
    assert "by lang" in one.settings and "german" in one.settings
    assert other.settings == f"{Terms().settings}, k1 1.2, b 0.75"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"language": "metadata:lang"}, "wants languages"),
        ({"language": "metadata:", "languages": ["english"]}, "wants languages"),
        ({"languages": ["english"]}, "goes with"),
        ({"language": "metadata:lang", "languages": ["xx"]}, "no stemmer"),
        ({"code": "python"}, "code is 'python'"),
    ],
)
def test_wrong_arguments(wrong, message):
    with pytest.raises(ConfigError, match=message):
        Bm25Retriever(MemoryStore(), **wrong)


def test_added_words_count_by_their_weight(store):
    retriever = filled_with(store, [("key vault", {}), ("token vault", {}), ("moon", {})])
    plain, _ = found(retriever, store, Query("key"))
    added, one = found(retriever, store, Query("key", terms={"tokens": 0.25, "moon": 0, "x": -1}))
    assert plain.keys() == {"d0"} and added.keys() == {"d0", "d1"}
    whole, _ = found(retriever, store, Query("token"))
    assert added["d0"] == pytest.approx(plain["d0"])
    assert added["d1"] == pytest.approx(0.25 * whole["d1"])
    idf = np.log1p(2.5 / 1.5)
    assert one.bound == pytest.approx(1.25 * idf)
    twice, _ = found(retriever, store, Query("key", terms={"key": 1.0}))
    assert twice["d0"] == pytest.approx(2 * plain["d0"])
    query = Query("key", terms={"tokens": 0.25})
    assert retriever.score([query], one.rows)[0].tolist() == pytest.approx(one.scores.tolist())


def test_token_scores_add_up_and_say_where(store):
    texts = [("The keys of the vault: a key", {}), ("vaulting a token, keyed", {}), ("moon", {})]
    retriever = filled_with(store, texts)
    query = Query("key vaults the key", terms={"tokens": 0.5})
    _, one = found(retriever, store, query)
    assert len(one) == 2
    for chunk, score in zip(store.get(one.rows), one.scores.tolist(), strict=True):
        parts = retriever.token_scores(query, chunk)
        assert [part.token for part in parts] == ["key", "vaults", "key", "tokens"]
        assert [part.query_span for part in parts] == [(0, 3), (4, 10), (15, 18), (0, 0)]
        assert sum(part.score for part in parts) == pytest.approx(score, abs=1e-5)
        spans = [[chunk.text[a:b] for a, b in part.spans] for part in parts]
        if chunk.doc_id == "d0":
            assert spans == [["keys", "key"], ["vault"], ["keys", "key"], []]
            assert parts[3].score == 0
        else:
            assert spans == [["keyed"], ["vaulting"], ["keyed"], ["token"]]


def test_a_match_in_the_context_scores_and_has_no_span():
    retriever = filled_with(MemoryStore(), [("moon", {}), ("river", {})])
    chunk = Chunk("d", "a river", 0, 7, context="About the moon")
    moon, river = retriever.token_scores(Query("moon river"), chunk)
    assert moon.spans == [] and moon.score > 0
    assert [chunk.text[a:b] for a, b in river.spans] == ["river"]


def test_names_in_code_are_found_by_their_parts(store):
    texts = [("x = getUserName(1); y = {};", {}), ("Users have names.", {}), ("a garden", {})]
    retriever = filled_with(store, texts, code="auto")
    query = Query("user_name")
    scores, one = found(retriever, store, query)
    assert scores.keys() == {"d0", "d1"} and one.scores.max() <= one.bound
    for chunk, score in zip(store.get(one.rows), one.scores.tolist(), strict=True):
        parts = retriever.token_scores(query, chunk)
        assert [part.token for part in parts] == ["user_name", "user", "name"]
        assert sum(part.score for part in parts) == pytest.approx(score, abs=1e-5)
