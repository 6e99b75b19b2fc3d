"""Which rows a filter leaves, within a tenant's scope, in an index that is written to."""

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from retrievo.contracts import Batch
from retrievo.filters import Filter, check_scope, check_tenant, unscoped
from retrievo.store.columns.columns import REMEMBERED_FILTERS, Columns, Matching
from retrievo.store.local.catalog import Catalog
from retrievo.store.local.kept_columns import KeptColumns
from retrievo.store.local.lookups import Lookups
from retrievo.types import Rows

MANY_CHANGES = 50_000
"""Changed rows that are taken in although no filter asks, so that an ingest does not pile up."""


class MatchingRows:
    """The rows of tenants and filters.

    What was asked is remembered; a write leaves of it the columns, which take in the changed rows
    when the next filter comes.
    """

    def __init__(self, catalog: Catalog, lookups: Lookups, kept: KeptColumns, path: object) -> None:
        self._catalog = catalog
        self._lookups = lookups
        self._kept = kept
        self._path = path
        self._turn = threading.RLock()
        self._columns: Columns | None = None
        self._changes: dict[int, tuple[str, Mapping[str, Any]] | None] = {}
        self._scopes: OrderedDict[Filter, Matching] = OrderedDict()
        self._tenanted: bool | None = None

    def forget(self) -> None:
        """Drop what is remembered: a write failed somewhere."""
        self._columns = None
        self._changes = {}
        self._scopes.clear()
        self._tenanted = None

    def prepare(self) -> None:
        """Before a write: have what is kept on disk, which the write makes useless there."""
        self._columns = self._kept.load(self._columns)

    def changed(self, gone: Rows, rows: Rows, batch: Batch) -> None:
        """After a write: the rows that are gone, and of each of the batch's chunks its row."""
        self._scopes.clear()
        self._tenanted = None
        if self._columns is None:
            return
        self._changes.update(dict.fromkeys(gone.tolist()))
        row = iter(rows.tolist())
        for document, chunks in batch.items:
            for chunk in chunks:
                metadata = chunk.metadata
                if metadata is not document.metadata:
                    # A chunker may have put into it what JSON gives back in another form.
                    metadata = json.loads(json.dumps(dict(metadata)))
                self._changes[next(row)] = (chunk.doc_id, metadata)
        if len(self._changes) > MANY_CHANGES:
            self._all()

    def keep(self) -> None:
        """Put the columns that filters have asked for on disk; alone, like a write."""
        if self._columns is not None:
            self._kept.save(self._all())

    def missing_keys(self, filters: Filter) -> Sequence[str]:
        """The keys that the filter compares and that no chunk, of the tenant, has."""
        tenant, wanted = unscoped(filters)
        found = self.of(filters)
        if found is None or wanted is None:
            return ()
        if found.missing is None:
            among = None if tenant is None else self._rows_of(tenant)
            found.missing = self._all().missing_keys(wanted, among)
        return found.missing

    def known_keys(self, tenant: str | None) -> set[str]:
        """Keys that documents of the tenant have, as far as a sample shows."""
        return self._kept.known_keys(self._catalog.tenant_number(tenant))

    def tenanted(self) -> bool | None:
        """Whether documents have tenants; None where there is no document."""
        if self._tenanted is None:
            self._tenanted = self._lookups.tenanted()
        return self._tenanted

    def check(self, tenant: str | None) -> None:
        """Raise TenantError unless the index is asked as what it is, with or without tenants."""
        if tenant is not None:
            check_tenant(tenant)
        check_scope(self.tenanted(), tenant, self._path)

    def of(self, filters: Filter | None) -> Matching | None:
        """What matches; None for all rows. Raises TenantError without a scope that is wanted."""
        tenant, wanted = unscoped(filters)
        self.check(tenant)
        if filters is None:
            return None
        with self._turn:
            if tenant is None:
                return self._all().matching(filters)
            found = self._scopes.get(filters)
            if found is None:
                rows = self._rows_of(tenant)
                everything = self._all()
                if wanted is not None:
                    among = everything.matching(wanted).rows
                    rows = np.intersect1d(rows, among, assume_unique=True)
                found = self._scopes[filters] = Matching(rows, len(everything.rows))
                if len(self._scopes) > REMEMBERED_FILTERS:
                    self._scopes.popitem(last=False)
            else:
                self._scopes.move_to_end(filters)
            return found

    def _rows_of(self, tenant: str) -> Rows:
        return self._lookups.rows_of_tenant(self._catalog.tenant_number(tenant))

    def _all(self) -> Columns:
        with self._turn:
            if self._columns is None:
                self._columns = self._kept.columns()
            elif self._changes:
                self._columns = self._columns.after(self._changes)
            self._changes = {}
            return self._columns
