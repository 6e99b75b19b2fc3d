"""Tenants: a scope that nothing leaves, and that fails closed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from retrievo.contracts import Store
from retrievo.errors import StoreError, TenantError
from retrievo.filters import F, Scoped
from retrievo.testing.stores.checking import rows_of
from retrievo.testing.stores.hooks import Held, StoreHooks, lacks, needs
from retrievo.testing.stores.samples import (
    SPACES,
    batch_of,
    cut,
    documents,
    everything_of,
)
from retrievo.types import Document

NAMES = ("acme", "Acme", "acme ", "e\u0301", "\u00e9", "a'b\x00", "t" * 1000, "None")
_ALL = everything_of(SPACES["dense"])


def _asked(tenant: str | None) -> dict[str, Callable[[Store], object]]:
    """Whatever takes documents, ids or filters, asked for the tenant or for none."""
    scope = None if tenant is None else Scoped(tenant)
    wanted = F("year") == 2020 if tenant is None else Scoped(tenant, F("year") == 2020)
    return {
        "search": lambda store: store.search("dense", _ALL, 3, scope),
        "search with a filter": lambda store: store.search("dense", _ALL, 3, wanted),
        "count with a filter": lambda store: store.count(wanted),
        "delete": lambda store: store.delete(["d0"], tenant=tenant),
        "rows": lambda store: store.rows(["x"], tenant=tenant),
        "document_rows": lambda store: store.document_rows(["d0"], tenant=tenant),
        "fingerprints": lambda store: store.fingerprints(tenant=tenant),
        "fingerprints of ids": lambda store: store.fingerprints(["d0"], tenant=tenant),
    }


def _unrefused(held: Held, tenant: str | None, error: type[StoreError]) -> list[str]:
    write = batch_of(cut(documents(1)), held.spaces, tenant=tenant)
    asked = _asked(tenant)
    asked["write"] = lambda store: store.write(write)
    found = []
    for name, call in asked.items():
        if "filter" in name and "filter" not in held.store.capabilities:
            continue
        try:
            call(held.store)
        except error:
            continue
        found.append(name)
    return found


class Tenancy(StoreHooks):
    def test_the_same_id_of_another_tenant_is_another_document(self, held: Held) -> None:
        needs(held.store, "tenants")
        for place, tenant in enumerate(NAMES):
            batch = batch_of(cut(documents(4), 2), held.spaces, seed=place, tenant=tenant)
            held.write(batch)
        assert held.store.tenanted() is True
        held.check()
        edited = cut([Document("d1", "edited"), Document("only here", "x")])
        held.write(batch_of(edited, held.spaces, seed=50, fingerprint="2", tenant="acme"))
        held.delete("d0", "d2", tenant="acme")
        held.delete("only here", tenant="Acme")
        held.check()

    @pytest.mark.parametrize("name", SPACES)
    def test_a_scope_finds_the_tenants_rows_and_no_others(self, held: Held, name: str) -> None:
        needs(held.store, "tenants")
        if name not in held.spaces:
            pytest.skip(f"the store does not declare {SPACES[name].kind!r}")
        _fill(held)
        held.check_searches(None, (0, 1, 5, 200))
        if "filter" in held.store.capabilities:
            for wanted in (F("year") == 2020, ~F("lang").exists(), F("doc_id") == "d1"):
                held.check_searches(wanted)
                for tenant in ("acme", "other", "nobody"):
                    scope = Scoped(tenant, wanted)
                    assert held.store.count(scope) == len(held.model.kept(scope))
        for tenant in ("acme", "other", "nobody"):
            assert held.store.count(Scoped(tenant)) == len(held.model.kept(Scoped(tenant)))

    def test_with_tenants_nothing_is_told_without_one(self, held: Held) -> None:
        needs(held.store, "tenants")
        _fill(held)
        assert _unrefused(held, None, TenantError) == [], "these answered without a tenant"
        held.check()
        assert held.store.count() == len(held.model.kept()), "all rows are nobody's secret"

    def test_without_tenants_none_may_be_named(self, held: Held) -> None:
        needs(held.store, "tenants")
        held.write(batch_of(cut(documents(3)), held.spaces))
        assert held.store.tenanted() is False
        assert _unrefused(held, "acme", TenantError) == [], "these answered for a tenant"
        held.check()
        assert held.store.tenants(rows_of(held.store)) == [None] * 3

    def test_a_tenant_has_a_name(self, held: Held) -> None:
        needs(held.store, "tenants")
        for tenant in ("", "t" * 1001, "\ud800"):
            with pytest.raises(TenantError):
                held.store.write(batch_of(cut(documents(1)), held.spaces, tenant=tenant))
        assert held.store.document_count() == 0 and held.store.tenanted() is None

    def test_tenants_are_there_after_reopening(self, folder: Path, held: Held) -> None:
        needs(held.store, "tenants")
        needs(held.store, "persistent")
        _fill(held)
        held.store.close()
        held.store = self.make_store(folder)
        held.store.open(None)
        assert held.store.tenanted() is True
        held.check()
        assert _unrefused(held, None, TenantError) == [], "these answered without a tenant"

    def test_a_tenant_without_documents_left_sees_nothing(self, held: Held) -> None:
        needs(held.store, "tenants")
        _fill(held)
        held.delete(*(f"d{i}" for i in range(12)), tenant="other")
        held.check()
        assert len(held.store.search("dense", _ALL, 5, Scoped("other"))[0]) == 0

    def test_a_store_without_tenants_refuses_them(self, held: Held) -> None:
        lacks(held.store, "tenants")
        assert _unrefused(held, "acme", StoreError) == [], "'tenants' is not declared, but answered"
        held.write(batch_of(cut(documents(3)), held.spaces))
        assert _unrefused(held, "acme", StoreError) == [], "'tenants' is not declared, but answered"
        assert held.store.tenants(rows_of(held.store)) == [None] * 3


def _fill(held: Held) -> None:
    for place, tenant in enumerate(("acme", "other")):
        batch = batch_of(cut(documents(12), 2), held.spaces, seed=place, tenant=tenant)
        held.write(batch)
