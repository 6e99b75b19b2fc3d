"""Which rows a filter leaves, within a tenant's scope; remembered until something is written."""

from collections import OrderedDict

import numpy as np

from retrievo.filters import Filter, check_scope, unscoped
from retrievo.store.catalog import Catalog
from retrievo.store.columns import REMEMBERED_FILTERS, Columns, Matching


class MatchingRows:
    """The rows of tenants and filters in one state of the catalog."""

    def __init__(self, catalog: Catalog, path: object) -> None:
        self._catalog = catalog
        self._path = path
        self._columns: Columns | None = None
        self._scopes: OrderedDict[Filter, Matching] = OrderedDict()
        self._tenanted: bool | None = None

    def forget(self) -> None:
        """Drop what is remembered: something was written."""
        self._columns = None
        self._scopes.clear()
        self._tenanted = None

    def tenanted(self) -> bool | None:
        """Whether documents have tenants; None where there is no document."""
        if self._tenanted is None:
            self._tenanted = self._catalog.tenanted()
        return self._tenanted

    def check(self, tenant: str | None) -> None:
        """Raise TenantError unless the index is asked as what it is, with or without tenants."""
        check_scope(self.tenanted(), tenant, self._path)

    def of(self, filters: Filter | None) -> Matching | None:
        """What matches; None for all rows. Raises TenantError without a scope that is wanted."""
        tenant, wanted = unscoped(filters)
        self.check(tenant)
        if filters is None:
            return None
        if tenant is None:
            return self._all().matching(filters)
        found = self._scopes.get(filters)
        if found is None:
            rows = self._catalog.rows_of_tenant(self._catalog.tenant_number(tenant))
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

    def _all(self) -> Columns:
        if self._columns is None:
            self._columns = Columns(self._catalog.all_rows(), self._catalog.all_metadata)
        return self._columns
