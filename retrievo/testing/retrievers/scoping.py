"""Filters and tenants: nothing that does not match is found, and all that does."""

import numpy as np
import pytest

from retrievo.filters import F, Filter, Scoped, matches
from retrievo.testing.retrievers.hooks import Held, RetrieverHooks
from retrievo.testing.retrievers.samples import QUERIES, items

FILTERS: dict[str, Filter] = {
    "half": F("even") == True,  # noqa: E712  # a filter, no comparison
    "few": F("n") >= 9,
    "none": F("n") > 1000,
}


class Scoping(RetrieverHooks):
    """What a filter lets through is found as if there were nothing else."""

    @pytest.mark.parametrize("name", FILTERS)
    @pytest.mark.parametrize("text", QUERIES)
    def test_filters_are_honoured(self, held: Held, text: str, name: str) -> None:
        wanted = FILTERS[name]
        every = held.find(text)
        rows = [
            row
            for row, chunk in zip(every.rows, held.store.get(every.rows), strict=True)
            if matches(wanted, chunk.metadata, chunk.doc_id)
        ]
        for depth in (1, 3, 1000):
            found = held.find(text, depth, wanted)
            wrong = set(found.rows.tolist()) - {int(row) for row in rows}
            assert not wrong, f"rows {wrong} do not match {wanted}"
            assert len(found) == min(depth, len(rows)), (
                f"{len(found)} rows of {len(rows)} that match, at depth {depth}: a filter comes "
                "before the depth"
            )

    def test_a_tenant_finds_its_own(self, empty: Held) -> None:
        if "tenants" not in empty.store.capabilities:
            pytest.skip("the store does not declare 'tenants'")
        for tenant in ("one", "other"):
            empty.write(items(), tenant=tenant)
        for tenant in ("one", "other"):
            for text in QUERIES:
                for inside in (None, FILTERS["half"]):
                    found = empty.find(text, 1000, Scoped(tenant, inside))
                    owners = set(empty.store.tenants(found.rows))
                    assert owners <= {tenant}, f"{tenant} finds what belongs to {owners}"
                    assert len(found) or inside is not None, f"{tenant} finds nothing of its own"
        assert len(empty.find(QUERIES[0], 1000, Scoped("nobody"))) == 0

    def test_a_filter_changes_no_score(self, held: Held) -> None:
        for text in QUERIES:
            every = held.find(text)
            scores = dict(zip(every.rows.tolist(), every.scores.tolist(), strict=True))
            found = held.find(text, 1000, FILTERS["half"])
            right = np.array([scores[row] for row in found.rows.tolist()], np.float32)
            assert np.allclose(found.scores, right, atol=self.tolerance)
