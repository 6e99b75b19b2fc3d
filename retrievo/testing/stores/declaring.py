"""Capabilities declared are capabilities that work; the others raise."""

from pathlib import Path

import pytest

from retrievo.contracts import Space
from retrievo.errors import StoreError
from retrievo.filters import F
from retrievo.testing.stores.hooks import Held, StoreHooks, lacks, needs
from retrievo.testing.stores.samples import (
    CONFIG,
    SPACES,
    batch_of,
    cut,
    documents,
    everything_of,
    passport_of,
    spaces_for,
)

KNOWN = frozenset(
    {"dense", "sparse", "multi", "filter", "tenants", "persistent", "idf", "approximate",
     "maintenance", "snapshot", "together"}
)  # fmt: skip


class Declaring(StoreHooks):
    def test_capabilities_are_known_names(self, folder: Path) -> None:
        store = self.make_store(folder)
        found = store.capabilities
        store.close()
        assert isinstance(found, frozenset)
        assert found <= KNOWN, f"{sorted(found - KNOWN)} mean nothing to a pipeline"
        assert "idf" not in found or "sparse" in found, "idf is of sparse queries"

    @pytest.mark.parametrize("kind", ["sparse", "multi"])
    def test_a_kind_that_is_not_declared_is_refused(self, folder: Path, kind: str) -> None:
        store = self.make_store(folder)
        try:
            lacks(store, kind)
            spaces = {**spaces_for(store.capabilities), "more": _of(kind)}
            with pytest.raises(StoreError):
                store.open(passport_of(spaces), CONFIG)
        finally:
            store.close()

    def test_filters_that_are_not_declared_are_refused(self, held: Held) -> None:
        lacks(held.store, "filter")
        held.write(batch_of(cut(documents(6)), held.spaces))
        for name in held.spaces:
            with pytest.raises(StoreError):
                held.store.search(name, everything_of(SPACES[name]), 3, F("year") == 2020)
        with pytest.raises(StoreError):
            held.store.count(F("year") == 2020)

    @pytest.mark.parametrize(
        ("capability", "method"),
        [("maintenance", "optimize"), ("maintenance", "vacuum"), ("snapshot", "snapshot")],
    )
    def test_a_method_that_is_not_declared_is_not_there(
        self, held: Held, tmp_path: Path, capability: str, method: str
    ) -> None:
        lacks(held.store, capability)
        call = getattr(held.store, method, None)
        if call is None:
            return
        with pytest.raises(StoreError):
            call(tmp_path / "snapshot") if method == "snapshot" else call()

    def test_sizes_are_told(self, held: Held) -> None:
        held.write(batch_of(cut(documents(7), 2), held.spaces))
        held.delete("d2")
        told = held.store.stats()
        assert (told.documents, told.chunks) == (6, len(held.model.kept()))
        assert {name: one.kind for name, one in told.representations.items()} == {
            name: space.kind for name, space in held.spaces.items()
        }
        assert told.representations["dense"].vectors == told.chunks
        assert told.as_dict()["documents"] == 6
        for name, one in told.representations.items():
            assert 0 <= one.coded <= one.vectors and one.bytes_a_vector >= 0, name

    def test_tenants_are_counted(self, held: Held) -> None:
        needs(held.store, "tenants")
        for place, tenant in enumerate(("acme", "other")):
            held.write(batch_of(cut(documents(2)), held.spaces, seed=place, tenant=tenant))
        assert held.store.stats().tenants == 2


def _of(kind: str) -> Space:
    return next(space for space in SPACES.values() if space.kind == kind)
