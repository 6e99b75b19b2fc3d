"""Opening, closing, what is kept across both, and what a closed store answers: nothing."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retrievo.contracts import Batch, Store
from retrievo.errors import IndexMissingError, StoreError
from retrievo.testing.stores.checking import check_contents
from retrievo.testing.stores.hooks import Held, StoreHooks, needs
from retrievo.testing.stores.samples import (
    CONFIG,
    batch_of,
    cut,
    documents,
    everything_of,
    passport_of,
)
from retrievo.types import Document

_ROW = np.zeros(1, np.int64)
_NOTHING = Batch([], [], {}, np.empty(0, np.int64))

Calls = dict[str, Callable[[Store], object]]


def _calls(held: Held) -> Calls:
    """Each method of the contract, called as a pipeline calls it."""
    query = everything_of(held.spaces["dense"])
    calls: Calls = {
        "passport": lambda store: store.passport(),
        "config": lambda store: store.config(),
        "stamp": lambda store: store.stamp(held.passport, CONFIG),
        "write": lambda store: store.write(_NOTHING),
        "delete": lambda store: store.delete(["d0"]),
        "replace": lambda store: store.replace("dense", _ROW, np.ones((1, 8), np.float32), None),
        "settle": lambda store: store.settle(),
        "search": lambda store: store.search("dense", query, 3),
        "score": lambda store: store.score("dense", query, _ROW),
        "count": lambda store: store.count(),
        "reading": _read,
        "get": lambda store: store.get(_ROW),
        "rows": lambda store: store.rows(["x"]),
        "document_rows": lambda store: store.document_rows(["d0"]),
        "document_numbers": lambda store: store.document_numbers(_ROW),
        "tenants": lambda store: store.tenants(_ROW),
        "tenanted": lambda store: store.tenanted(),
        "fingerprints": lambda store: store.fingerprints(),
        "scan": lambda store: list(store.scan()),
        "vectors": lambda store: store.vectors("dense", _ROW),
        "document_count": lambda store: store.document_count(),
        "stats": lambda store: store.stats(),
    }
    if "lexical" in held.spaces:
        calls["statistics"] = lambda store: store.statistics("lexical")
        calls["frequencies"] = lambda store: store.frequencies("lexical", np.ones(1, np.uint32))
    return calls


def _read(store: Store) -> None:
    with store.reading():
        return


def _answered(calls: Calls, store: Store) -> list[str]:
    """The methods that raise no StoreError."""
    found = []
    for name, call in calls.items():
        try:
            call(store)
        except StoreError:
            continue
        found.append(name)
    return found


class Lifecycle(StoreHooks):
    def test_nothing_is_there_before_it_is_made(self, folder: Path) -> None:
        store = self.make_store(folder)
        with pytest.raises(IndexMissingError):
            store.open(None)
        store.close()

    def test_an_empty_store_answers_with_nothing(self, held: Held) -> None:
        assert held.store.tenanted() is None
        assert held.store.fingerprints() == {} and held.store.rows(["x"]).tolist() == [-1]
        held.check()
        held.store.settle()
        held.check()

    def test_passport_and_configuration_are_kept(self, held: Held) -> None:
        found = held.store.passport()
        assert found is not None and asdict(found) == asdict(held.passport)
        assert held.store.config() == CONFIG
        other = passport_of(held.spaces, "g")
        held.store.stamp(other, {"tables": {"é": None}})
        assert held.store.passport() == other
        assert held.store.config() == {"tables": {"é": None}}

    def test_a_closed_store_raises_whatever_it_is_asked(self, held: Held) -> None:
        held.write(batch_of(cut(documents(2)), held.spaces))
        calls = _calls(held)
        held.store.close()
        held.store.close()
        assert _answered(calls, held.store) == [], "these answered after close()"

    def test_a_store_that_was_never_opened_raises(self, folder: Path, held: Held) -> None:
        store = self.make_store(folder.with_name("other"))
        assert _answered(_calls(held), store) == [], "these answered before open()"

    def test_it_is_all_there_after_reopening(self, folder: Path, held: Held) -> None:
        needs(held.store, "persistent")
        held.write(batch_of(cut(documents(12), 2), held.spaces))
        held.delete("d4")
        held.write(batch_of(cut([Document("d5", "edited", {"year": 1})]), held.spaces, seed=3))
        self._reopen(folder, held)
        held.check()
        # What comes after has to fit to what was there.
        held.write(batch_of(cut([*documents(3), Document("new", "more")], 3), held.spaces, seed=4))
        held.check()
        self._reopen(folder, held)
        held.check()

    def _reopen(self, folder: Path, held: Held) -> None:
        held.store.close()
        held.store = self.make_store(folder)
        held.store.open(None)

    def test_opening_what_is_there_replaces_nothing(self, folder: Path, held: Held) -> None:
        needs(held.store, "persistent")
        held.write(batch_of(cut(documents(3)), held.spaces))
        held.store.close()
        held.store = self.make_store(folder)
        held.store.open(passport_of(held.spaces, "another"), {"tables": {}})
        assert held.store.passport() == held.passport and held.store.config() == CONFIG
        held.check()

    def test_what_was_acknowledged_survives_a_kill(
        self, folder: Path, held: Held, tmp_path: Path
    ) -> None:
        needs(held.store, "persistent")
        steps: list[Callable[[], Any]] = [
            lambda: held.write(batch_of(cut(documents(6), 2), held.spaces)),
            lambda: held.write(batch_of(cut([Document("d1", "edited")]), held.spaces, seed=2)),
            lambda: held.delete("d2", "d3"),
            lambda: held.store.settle(),
            lambda: held.write(batch_of(cut([Document("d2", "back")]), held.spaces, seed=5)),
        ]
        for place, step in enumerate(steps):
            step()
            left = self.after_a_kill(held.store, folder, tmp_path / f"killed-{place}")
            left.open(None)
            try:
                # Its row numbers may differ: the next one to be given is not an answer.
                check_contents(left, held.model.copy())
            finally:
                left.close()

    def test_a_store_that_is_not_persistent_forgets(self, folder: Path, held: Held) -> None:
        if "persistent" in held.store.capabilities:
            pytest.skip("the store declares 'persistent'")
        held.write(batch_of(cut(documents(2)), held.spaces))
        held.store.close()
        with pytest.raises(IndexMissingError):
            self.make_store(folder).open(None)
