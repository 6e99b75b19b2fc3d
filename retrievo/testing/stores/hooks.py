"""What the author of a store gives the kit, and what its tests are handed."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from retrievo.contracts import Batch, Space, Store
from retrievo.filters import Filter, Scoped
from retrievo.passport import Passport
from retrievo.testing.refusal import RefusesOverrides
from retrievo.testing.stores.checking import check_contents, check_search
from retrievo.testing.stores.model import Model
from retrievo.testing.stores.samples import CONFIG, passport_of, queries_of, spaces_for

DEPTHS = (1, 5, 200)
"""One, some, and more than there are."""


class StoreHooks(RefusesOverrides):
    """`make_store` must be given; the others where what they do does not fit the store."""

    random_runs = 20
    """How many random histories the state machine tries."""

    def make_store(self, folder: Path) -> Store:
        """A store, not opened, whose index is in the folder or is known by the folder's name.

        The folder is not there before the first index in it is made. For the same folder a
        persistent store finds what an earlier one, closed since, has written.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no make_store(self, folder): give the store to be tested"
        )

    def after_a_kill(self, store: Store, folder: Path, copy: Path) -> Store:
        """A store over the index as a kill at this moment would leave it: of a copied folder.

        `store` is open and stays so. A store that keeps its index elsewhere makes one that looks
        there.
        """
        shutil.copytree(folder, copy)
        return self.make_store(copy)

    def open_snapshot(self, path: Path) -> Store:
        """A store, not opened, over what `snapshot(path)` wrote."""
        return self.make_store(path)

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tmp_path / "index"

    @pytest.fixture
    def held(self, folder: Path) -> Iterator["Held"]:
        """An open, empty store and the model of what it must hold."""
        made = opened(self.make_store(folder))
        yield made
        made.store.close()


@dataclass(slots=True)
class Held:
    """A store and the model beside it: what is done to one is done to the other."""

    store: Store
    passport: Passport
    model: Model

    @property
    def spaces(self) -> dict[str, Space]:
        return self.model.spaces

    def write(self, batch: Batch) -> None:
        self.store.write(batch)
        self.model.write(batch)

    def delete(self, *doc_ids: str, tenant: str | None = None) -> None:
        gone = self.store.delete(list(doc_ids), tenant=tenant)
        assert gone == self.model.delete(doc_ids, tenant), f"{gone} documents are said to be gone"

    def check(self, filters: Filter | None = None) -> None:
        """What is in the store, and what a few queries find in every representation."""
        check_contents(self.store, self.model)
        self.check_searches(filters)

    def check_searches(self, filters: Filter | None = None, depths: Sequence[int] = DEPTHS) -> None:
        """In an index with tenants each of them searches, and one that has nothing."""
        scopes = [filters]
        if self.model.tenanted:
            tenants = {str(tenant) for tenant, _ in self.model.documents}
            scopes = [Scoped(tenant, filters) for tenant in (*sorted(tenants), "nobody")]
        for name, space in self.model.spaces.items():
            queries = queries_of(space, 2, np.random.default_rng(len(name)))
            for scope in scopes:
                for depth in depths:
                    check_search(self.store, self.model, name, queries, depth, scope)


def opened(store: Store, *, idf: bool = False) -> Held:
    """The store, opened, and an empty model with every space that the store can keep."""
    spaces = spaces_for(store.capabilities, idf=idf)
    made = Held(store, passport_of(spaces), Model(spaces, store.capabilities))
    store.open(made.passport, CONFIG)
    return made


def needs(store: Store, capability: str) -> None:
    """Skip the test where the store does not declare the capability."""
    if capability not in store.capabilities:
        pytest.skip(f"the store does not declare {capability!r}")


def lacks(store: Store, capability: str) -> None:
    """Skip the test where the store declares the capability."""
    if capability in store.capabilities:
        pytest.skip(f"the store declares {capability!r}")
