"""What is done with ranked hits: duplicates, neighbours, the token budget, confidence."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipelines import CountingEncoder, documents

from retrievo import ConfigError, Document, Pipeline
from retrievo.hits import Hit
from retrievo.search.confidence import Confidence, random_queries
from retrievo.search.duplicates import contained, shingles, without_duplicates
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
        ({"top": 3}, "search has no option 'top'"),
        ({"expand_context": -1}, "expand_context is -1"),
        ({"expand_context": 0.5}, "a whole number is wanted"),
        ({"max_context_tokens": 0}, "from 1 up"),
        ({"min_confidence": 1.5}, "from 0 to 1"),
        ({"drop_duplicates": 0}, "above 0 to 1"),
        ({"timeout_s": float("nan")}, "above 0 up"),
        ({"timeout_s": "2"}, "a number above 0 up"),
        ({"strict": "yes"}, "True or False"),
        ({"weights": {"dense": -1}}, "from 0 up"),
        ({"weights": {"dens": 1}}, "did you mean 'dense'"),
        ({"steer": "more"}, "steer is a list"),
        ({"steer": [("much", "x")]}, "steer is a list"),
        ({"steer": [("more", " ")]}, "steer is a list"),
        ({"context_tokenizer": "bytes", "max_context_tokens": 5}, "no tokenizer named"),
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
