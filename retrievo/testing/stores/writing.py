"""Writing, overwriting, deleting, reusing and replacing; a write that fails changes nothing."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from retrievo.contracts import Batch
from retrievo.errors import RetrievoError
from retrievo.filters import as_filter
from retrievo.testing.stores.checking import rows_of
from retrievo.testing.stores.hooks import Held, StoreHooks
from retrievo.testing.stores.model import Kept
from retrievo.testing.stores.samples import (
    batch_of,
    chunks_of,
    cut,
    documents,
    sparse_rows,
    values_of,
)
from retrievo.types import Chunk, Document, MultiRows, SparseRows

REFUSALS = (RetrievoError, ValueError, TypeError, LookupError)
"""What a batch that does not fit may raise; a StoreError that says what does not is best."""


def _narrow(batch: Batch) -> Batch:
    wrong = np.asarray(batch.representations["dense"])[:, :-1]
    return replace(batch, representations={**batch.representations, "dense": wrong})


def _short(batch: Batch) -> Batch:
    wrong = np.asarray(batch.representations["dense"])[:-1]
    return replace(batch, representations={**batch.representations, "dense": wrong})


def _missing(batch: Batch) -> Batch:
    left = {name: part for name, part in batch.representations.items() if name != "titles"}
    return replace(batch, representations=left)


def _unknown_row(batch: Batch) -> Batch:
    return replace(batch, reuse=np.full(len(batch.reuse), 10**9, np.int64), representations={})


UNFIT: dict[str, Callable[[Batch], Batch]] = {
    "vectors too narrow": _narrow,
    "a row too few": _short,
    "a representation missing": _missing,
    "reuse of a row that is not there": _unknown_row,
}


class Writing(StoreHooks):
    @pytest.mark.parametrize("n", [1, 2, 300])
    def test_what_is_written_comes_back(self, held: Held, n: int) -> None:
        held.write(batch_of(cut(documents(n), 3), held.spaces))
        assert held.store.tenanted() is False
        held.check()

    def test_writing_nothing_changes_nothing(self, held: Held) -> None:
        held.write(batch_of([], held.spaces))
        held.write(batch_of(cut(documents(2)), held.spaces))
        held.write(batch_of([], held.spaces))
        held.check()

    def test_a_document_without_text_is_a_document(self, held: Held) -> None:
        held.write(batch_of(cut([Document("empty", ""), Document("other", "x")]), held.spaces))
        held.check()

    def test_writing_a_document_again_replaces_it(self, held: Held) -> None:
        held.write(batch_of(cut(documents(6), 3), held.spaces))
        fewer = Document("d2", "quite another text", {"year": 1999})
        more = Document("d3", "one two three four five six", {"year": 1999})
        again = batch_of([*cut([fewer]), *cut([more], 6)], held.spaces, seed=9, fingerprint="2")
        held.write(again)
        held.check()
        if "filter" in held.store.capabilities:
            assert held.store.count(as_filter({"year": 1999})) == 7

    def test_a_document_whose_text_stays_takes_the_new_vectors(self, held: Held) -> None:
        held.write(batch_of(cut(documents(4), 2), held.spaces, seed=1))
        held.write(batch_of(cut(documents(4), 2), held.spaces, seed=2, fingerprint="2"))
        held.check()

    def test_new_metadata_of_the_same_text_replace_the_old(self, held: Held) -> None:
        held.write(batch_of(cut(documents(4), 2), held.spaces))
        document = documents(4)[1]
        edited = Document(document.id, document.text, {"year": 1999, "n": [True, 1.0]})
        rows = held.store.document_rows(["d1"])[0]
        sources = held.model.documents[(None, "d1")]
        batch = Batch([(edited, chunks_of(edited, 2))], ["2"], {}, rows)
        held.store.write(batch)
        held.model.write(batch, sources)
        held.check()

    def test_reused_rows_keep_their_values(self, held: Held) -> None:
        held.write(batch_of(cut(documents(3), 2), held.spaces))
        sources = held.model.documents[(None, "d1")]
        rows = held.store.document_rows(["d1"])[0]
        old = [kept.chunk for kept in sources]
        moved = Document("d1", f"new {documents(3)[1].text}")
        chunks = [
            Chunk("d1", "new ", 0, 4),
            *(Chunk("d1", chunk.text, chunk.start + 4, chunk.end + 4) for chunk in old),
        ]
        draw = np.random.default_rng(5)
        fresh = {name: values_of(space, 1, draw) for name, space in held.spaces.items()}
        batch = Batch([(moved, chunks)], ["2"], fresh, np.array([-1, *rows], np.int64))
        held.store.write(batch)
        held.model.write(batch, [None, *sources])
        held.check()

    def test_what_an_encoder_did_not_read_of_a_chunk_is_kept(self, held: Held) -> None:
        """And exchanged with the chunk: gone, new or another, in a row that stays or is new."""
        document = documents(1)[0]
        first = chunks_of(document, 6)
        cuts = [(2, 9), None, (5, 6), (0, 2**40), None, (1, 2)]
        held.write(batch_of([(document, _cut(first, cuts))], held.spaces))
        held.check()
        for turn in range(1, 6):
            rows = held.store.document_rows([document.id])[0]
            chunks = _cut(first, cuts[turn:] + cuts[:turn])
            sources = held.model.documents[(None, document.id)]
            batch = Batch([(document, chunks)], [str(turn)], {}, rows)
            held.store.write(batch)
            held.model.write(batch, sources)
            held.check()
            _check_sums(held)
        held.write(batch_of([(document, _cut(first, cuts[:3] + [None] * 3))], held.spaces, seed=3))
        held.check()
        _check_sums(held)
        held.delete(document.id)
        _check_sums(held)

    def test_deleted_documents_are_gone_everywhere(self, held: Held) -> None:
        held.write(batch_of(cut(documents(8), 2), held.spaces))
        held.delete("d3", "nobody", "d3")
        held.delete("d3")
        held.delete()
        held.check()
        held.delete(*(f"d{i}" for i in range(8)))
        held.check()
        held.write(batch_of(cut(documents(2), 2), held.spaces, seed=8))
        held.check()

    def test_a_row_number_never_comes_to_mean_another_chunk(self, held: Held) -> None:
        for turn in range(4):
            docs = [Document(f"t{turn}-{i}", f"turn {turn}, document {i}") for i in range(3)]
            held.write(batch_of(cut(docs, 2), held.spaces, seed=turn))
            held.check()
            held.delete(f"t{turn}-1", f"t{turn}-2")
            held.store.settle()

    def test_one_representation_can_be_replaced(self, held: Held) -> None:
        held.write(batch_of(cut(documents(5)), held.spaces))
        draw = np.random.default_rng(6)
        rows = rows_of(held.store)[[3, 0]]
        by_key = held.model.by_key()
        chosen = [by_key[(None, chunk.id)] for chunk in held.store.get(rows)]
        for name, space in held.spaces.items():
            values = values_of(space, 2, draw)
            fitted = 2.5 if isinstance(values, SparseRows) else None
            if isinstance(values, SparseRows):
                # The stored weights change, the texts and so their lengths do not.
                values = replace(values, lengths=_lengths(chosen, name))
            held.store.replace(name, rows, values, fitted)
            held.model.replace(name, chosen, values, fitted)
            held.check()

    def test_a_weight_of_a_big_collection_survives(self, held: Held) -> None:
        """Values far from 1 and far from one another are kept, not scaled or coded away."""
        batch = batch_of(cut(documents(3)), held.spaces)
        values = dict(batch.representations)
        values["dense"] = np.diag([1e-4, 1.0, 3e3]).astype(np.float32) @ np.eye(3, 8, dtype="f4")
        if "lexical" in held.spaces:
            values["lexical"] = sparse_rows([{1: 1e-4, 2: 2.0}, {1: 3.0}, {2: 4e3}])
        held.write(replace(batch, representations=values))
        held.check()

    @pytest.mark.parametrize("unfit", UNFIT)
    def test_a_write_that_fails_changes_nothing(self, held: Held, unfit: str) -> None:
        held.write(batch_of(cut(documents(5), 2), held.spaces))
        good = batch_of(
            cut([Document("d1", "edited text"), Document("x", "new")], 2), held.spaces, seed=3
        )
        with pytest.raises(REFUSALS):
            held.store.write(UNFIT[unfit](good))
        held.check()
        held.write(good)
        held.check()

    def test_several_vectors_a_row_may_be_none(self, held: Held) -> None:
        if "tokens" not in held.spaces:
            pytest.skip("the store does not declare 'multi'")
        batch = batch_of(cut(documents(3)), held.spaces)
        nothing = MultiRows(np.zeros(4, np.int64), np.empty((0, 4), np.float32))
        held.write(replace(batch, representations={**batch.representations, "tokens": nothing}))
        held.check()
        held.delete("d1")
        held.check()


def _cut(chunks: list[Chunk], cuts: list[tuple[int, int] | None]) -> list[Chunk]:
    return [replace(chunk, truncated=cut) for chunk, cut in zip(chunks, cuts, strict=True)]


def _check_sums(held: Held) -> None:
    """A store that sums up what was lost has the right sums."""
    cuts = [one.chunk.truncated for one in held.model.kept() if one.chunk.truncated is not None]
    right = len(cuts), sum(total - seen for seen, total in cuts)
    assert held.store.stats().truncated in (None, right), f"{right} chunks and tokens are right"


def _lengths(chosen: list[Kept], name: str) -> np.ndarray:
    return np.array([one.lengths[name] for one in chosen], np.float32)
