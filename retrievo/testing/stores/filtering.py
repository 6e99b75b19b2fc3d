"""Filters: what the evaluator says, on every representation, and never too few rows."""

import numpy as np
import pytest

from retrievo.filters import F, matches
from retrievo.testing.stores.checking import check_among, check_search
from retrievo.testing.stores.hooks import Held, StoreHooks, needs
from retrievo.testing.stores.metadata import ATOMS, METADATA, VALUES, joined
from retrievo.testing.stores.samples import (
    SPACES,
    batch_of,
    chunks_of,
    cut,
    documents,
    everything_of,
    queries_of,
)
from retrievo.types import Document


class Filtering(StoreHooks):
    @pytest.mark.parametrize("name", SPACES)
    def test_each_comparison_means_what_the_evaluator_says(self, held: Held, name: str) -> None:
        _fill(held, name)
        check_among(held.store, held.model, name, (*ATOMS, *VALUES))
        query = everything_of(SPACES[name])
        for wanted in ATOMS:
            check_search(held.store, held.model, name, query, 3, wanted)

    @pytest.mark.parametrize("name", SPACES)
    def test_comparisons_joined_in_every_way(self, held: Held, name: str) -> None:
        _fill(held, name)
        check_among(held.store, held.model, name, joined())

    def test_count_takes_the_same_filters(self, held: Held) -> None:
        _fill(held, "dense")
        for wanted in (*ATOMS, *VALUES, *joined()):
            found, right = held.store.count(wanted), len(held.model.kept(wanted))
            assert found == right, f"{wanted}: {found} chunks counted, {right} match"

    @pytest.mark.parametrize("name", SPACES)
    @pytest.mark.parametrize("share", ["half", "few", "one", "none", "all"])
    def test_a_filter_leaves_as_many_as_there_are(self, held: Held, name: str, share: str) -> None:
        """Also where those that match are the worst of all for the query."""
        needs(held.store, "filter")
        if name not in held.spaces:
            pytest.skip(f"the store does not declare {SPACES[name].kind!r}")
        n = 400
        docs = [Document(f"d{i}", f"text {i}", {"at": i}) for i in range(n)]
        held.write(batch_of(cut(docs), held.spaces))
        queries = queries_of(SPACES[name], 1, np.random.default_rng(3))
        score = held.model.scorer(name, queries[0])
        ranked = sorted(held.model.kept(), key=lambda one: -(score(one) or 0.0))
        size = {"half": n // 2, "few": 12, "one": 1, "none": 0, "all": n}[share]
        last = [one.chunk.metadata["at"] for one in ranked[n - size :]]
        first = [one.chunk.metadata["at"] for one in ranked[:size]]
        for chosen in (last, first):
            for depth in (1, 10, 50, 1000):
                wanted = F("at").is_in(chosen)
                check_search(held.store, held.model, name, queries, depth, wanted)

    def test_filters_follow_what_is_written(self, held: Held) -> None:
        """What a store remembers of a filter must not outlive the rows that it was true of."""
        _fill(held, "dense")
        wanted = (F("year") == 2020) | (F("lang") == "en")
        held.check(wanted)
        held.write(batch_of(cut([Document("late", "x", {"year": 2020})]), held.spaces, seed=2))
        held.check(wanted)
        held.write(batch_of(cut([Document("d0", "now without metadata")]), held.spaces, seed=3))
        held.check(wanted)
        held.delete("d1", "d2")
        held.check(wanted)

    def test_each_comparison_tells_chunks_apart(self) -> None:
        """Joined ones would show nothing where one of them lets everything or nothing through."""
        docs = documents(len(METADATA))
        for atom in ATOMS:
            n = sum(matches(atom, document.metadata, document.id) for document in docs)
            assert 0 < n < len(docs), f"{atom} lets {n} of {len(docs)} through"

    def test_metadata_come_back_as_they_were(self, held: Held) -> None:
        docs = [Document(f"m{i}", f"text {i}", data) for i, data in enumerate(METADATA)]
        deep: dict[str, object] = {"end": [1, 1.0, True, None, "1", {}, []]}
        for level in range(40):
            deep = {f"level {level}": [deep, {"": level}]}
        docs.append(Document("deep", "text", {"deep": deep}))
        docs.append(Document("wide", "text", {f"key {i}": i for i in range(500)}))
        held.write(batch_of(cut(docs), held.spaces))
        held.check()

    def test_a_chunk_may_have_other_metadata_than_its_document(self, held: Held) -> None:
        needs(held.store, "filter")
        held.write(batch_of([(d, chunks_of(d, 4)) for d in documents(6)], held.spaces))
        for wanted in (F("part") == 1, ~(F("part") == 1), F("part").exists() & (F("n") == 1)):
            held.check(wanted)


def _fill(held: Held, name: str) -> None:
    needs(held.store, "filter")
    if name not in held.spaces:
        pytest.skip(f"the store does not declare {SPACES[name].kind!r}")
    held.write(batch_of(cut(documents(36), 2), held.spaces))
