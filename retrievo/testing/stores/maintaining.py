"""Settling, optimizing and giving space back change no answer; a snapshot is of one moment."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retrievo.errors import StoreError
from retrievo.filters import F
from retrievo.testing.stores.hooks import Held, StoreHooks, needs
from retrievo.testing.stores.samples import batch_of, cut, documents
from retrievo.types import Document


class Maintaining(StoreHooks):
    def test_settling_changes_no_answer(self, held: Held) -> None:
        self._unchanged(held, held.store.settle)

    @pytest.mark.parametrize("method", ["optimize", "vacuum"])
    def test_maintenance_changes_no_answer(self, held: Held, method: str) -> None:
        needs(held.store, "maintenance")
        getattr(held.store, method)()  # of an empty store
        self._unchanged(held, getattr(held.store, method))

    def test_it_can_be_written_to_after_maintenance(self, folder: Path, held: Held) -> None:
        needs(held.store, "maintenance")
        store: Any = held.store
        held.write(batch_of(cut(documents(40), 2), held.spaces))
        store.optimize()
        held.write(batch_of(cut([Document("d3", "edited")]), held.spaces, seed=2))
        held.delete("d4", "d5")
        held.check()
        store.vacuum()
        held.write(batch_of(cut(documents(6)), held.spaces, seed=3))
        held.check()
        if "persistent" in held.store.capabilities:
            held.store.close()
            held.store = self.make_store(folder)
            held.store.open(None)
            held.check()

    def test_a_snapshot_is_of_one_moment(self, held: Held, tmp_path: Path) -> None:
        needs(held.store, "snapshot")
        store: Any = held.store
        held.write(batch_of(cut(documents(12), 2), held.spaces))
        held.delete("d3")
        store.snapshot(tmp_path / "snapshot")
        then = held.model.copy()
        held.check()
        held.write(batch_of(cut([Document("d1", "edited"), Document("late", "x")]), held.spaces))
        held.delete("d2")
        readers = [self.open_snapshot(tmp_path / "snapshot") for _ in range(2)]
        try:
            for reader in readers:
                reader.open(None)  # both at once
            for reader in readers:
                before = Held(reader, held.passport, then)
                before.check()
                assert reader.passport() == held.passport
                with pytest.raises(StoreError):
                    reader.write(batch_of(cut(documents(1)), held.spaces))
                with pytest.raises(StoreError):
                    reader.delete(["d0"])
                before.check()
        finally:
            for reader in readers:
                reader.close()
        held.check()

    def test_a_snapshot_replaces_nothing(self, held: Held, tmp_path: Path) -> None:
        needs(held.store, "snapshot")
        store: Any = held.store
        held.write(batch_of(cut(documents(2)), held.spaces))
        taken = tmp_path / "taken"
        taken.mkdir()
        (taken / "mine.txt").write_text("not yours")
        with pytest.raises(StoreError):
            store.snapshot(taken)
        assert (taken / "mine.txt").read_text() == "not yours"
        held.check()

    def _unchanged(self, held: Held, act: Callable[[], object]) -> None:
        held.write(batch_of(cut(documents(60), 2), held.spaces))
        held.delete("d1", "d2", "d30")
        held.write(batch_of(cut([Document("d5", "edited")]), held.spaces, seed=2))
        wanted = F("year") >= 2020 if "filter" in held.store.capabilities else None
        for _ in range(2):
            held.check(wanted)
            act()
        held.check()
        held.check_searches(wanted)
