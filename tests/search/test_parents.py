import asyncio

import numpy as np
import pytest
from indexing import small
from token_counters import Words

from retrievo import Document, F, Pipeline
from retrievo.chunk.hierarchical import HierarchicalChunker

LETTERS = "alpha beta gamma. delta epsilon zeta.\n\neta theta iota. kappa lambda my."


@pytest.fixture(params=["memory", "local"])
def pipeline(request, tmp_path):
    parts = small(
        chunker=HierarchicalChunker(chunk_size=4, chunk_overlap=0, parent_size=8, tokenizer=Words())
    )
    made = Pipeline(**parts) if request.param == "memory" else Pipeline.open(tmp_path, **parts)
    made.index([Document("letters", LETTERS), Document("other", "nothing of that kind")])
    yield made
    made.close()


def found(hits):
    return [(hit.doc_id, hit.text) for hit in hits]


FIRST, SECOND = LETTERS.split("\n\n")


def test_a_parent_takes_the_place_of_enough_children(pipeline):
    plain = pipeline.search("alpha epsilon", top_k=2)
    assert {hit.text.strip() for hit in plain} == {"alpha beta gamma.", "delta epsilon zeta."}
    hits = pipeline.search("alpha epsilon", top_k=2, parents=1.0)
    assert hits[0].text == FIRST == LETTERS[hits[0].chunk.start : hits[0].chunk.end]
    assert hits[0].trace["merged"] == {"children": 2, "of": 2}
    assert hits[0].score == plain[0].score and hits[0].rank == 1
    assert len(hits) == 2 and hits[1].rank == 2, "others are drawn in where merging made room"
    assert "parent of 2 found of 2 children" in str(hits[0].explain())


def test_too_few_children_stay_themselves(pipeline):
    hits = pipeline.search("alpha", top_k=1, parents=0.6)
    assert found(hits) == [("letters", "alpha beta gamma. ")]
    assert "merged" not in hits[0].trace
    assert found(pipeline.search("alpha", top_k=1, parents=0.5)) == [("letters", FIRST)]


def test_zero_gives_parents_alone(pipeline):
    hits = pipeline.search("alpha theta", top_k=3, parents=0)
    assert {text for _, text in found(hits)} == {FIRST, SECOND, "nothing of that kind"}


def test_every_search_has_it(pipeline):
    (batch,) = pipeline.search_batch(["alpha epsilon"], top_k=1, parents=1.0)
    assert found(batch) == found(pipeline.search("alpha epsilon", top_k=1, parents=1.0))
    assert found(asyncio.run(pipeline.asearch("alpha", top_k=1, parents=0))) == [("letters", FIRST)]


def test_chunks_without_a_parent_stay(tmp_path):
    with Pipeline(**small()) as made:
        made.index([Document("letters", LETTERS)])
        hits = made.search("alpha", parents=0)
        assert found(hits) == found(made.search("alpha"))
        assert "no chunk that was found has one" in hits.warnings[0]


def test_filters_hold(pipeline):
    hits = pipeline.search("alpha", parents=0, filters=F("kind") == "none")
    assert not hits


@pytest.mark.parametrize("share", [-0.1, 1.5, "half", True])
def test_no_share(pipeline, share):
    with pytest.raises(ValueError, match="parents is"):
        pipeline.search("alpha", parents=share)


def test_not_with_one_chunk_a_document(pipeline):
    with pytest.raises(ValueError, match="per_document keeps one chunk"):
        pipeline.search("alpha", parents=0.5, per_document=True)


def test_tenants_have_their_own_families(tmp_path):
    parts = small(
        chunker=HierarchicalChunker(chunk_size=4, chunk_overlap=0, parent_size=8, tokenizer=Words())
    )
    with Pipeline.open(tmp_path, **parts) as made:
        made.index([Document("letters", LETTERS)], tenant="a")
        made.index([Document("letters", LETTERS.replace("alpha", "omega"))], tenant="b")
        assert found(made.search("alpha", top_k=1, parents=0, tenant="a")) == [("letters", FIRST)]
        (hit,) = made.search("omega", top_k=1, parents=0, tenant="b")
        assert hit.text.startswith("omega")


def test_a_parent_that_begins_with_the_title_does_not_get_it_again(tmp_path):
    chunker = HierarchicalChunker(chunk_size=6, chunk_overlap=0, parent_size=12, tokenizer=Words())
    with Pipeline(**small(chunker=chunker)) as made:
        made.index([Document("z", "Zebra one two three. four five six seven.", {}, "Zebra")])
        child = made.search("seven", top_k=1)[0]
        assert child.chunk.context == "Zebra"
        parent = made.search("seven", top_k=1, parents=0)[0]
        assert parent.chunk.context == "" and parent.text.startswith("Zebra one")


def test_a_share_may_be_numpys(pipeline):
    assert pipeline.search("alpha", parents=np.float32(0.5)) is not None
