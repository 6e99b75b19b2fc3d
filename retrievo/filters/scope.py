"""A tenant's scope around a filter: what a search may see at all, as opposed to what it asks for.

A scope cannot be written in the filter language, joined with other filters or negated: the pipeline
puts it around the user's filter, retrievers hand it on unread, and stores take it off.
"""

from dataclasses import dataclass

from retrievo.errors import FilterError, TenantError
from retrievo.filters.nodes import Filter

LONGEST_TENANT = 1_000
"""Characters."""


@dataclass(frozen=True, slots=True)
class Scoped(Filter):
    """`filters` among the documents of one tenant; all of them where it is None."""

    tenant: str
    filters: Filter | None = None

    def __str__(self) -> str:
        inside = "" if self.filters is None else f": {self.filters}"
        return f"tenant {self.tenant!r}{inside}"


def scoped(filters: Filter | None, tenant: str | None) -> Filter | None:
    """The filter within the tenant's scope; the filter itself without a tenant."""
    if isinstance(filters, Scoped):
        raise FilterError("a scope is no filter; give tenant= beside filters=")
    return filters if tenant is None else Scoped(check_tenant(tenant), filters)


def unscoped(filters: Filter | None) -> tuple[str | None, Filter | None]:
    """The tenant, None where there is no scope, and the filter inside."""
    if isinstance(filters, Scoped):
        return filters.tenant, filters.filters
    return None, filters


def check_tenant(tenant: object) -> str:
    """The tenant's name. Raises TenantError for what can be none."""
    if not isinstance(tenant, str):
        raise TenantError(f"tenant is a str, not a {type(tenant).__name__}")
    if not tenant or len(tenant) > LONGEST_TENANT:
        raise TenantError(f"a tenant's name has 1 to {LONGEST_TENANT} characters")
    try:
        tenant.encode()
    except UnicodeEncodeError:
        raise TenantError(f"tenant {tenant!r} holds a lone surrogate") from None
    return tenant


def check_scope(tenanted: bool | None, tenant: str | None, where: object) -> None:
    """Raise TenantError unless an index with, or without, tenants is asked as such.

    `tenanted` is None where there is no document yet: then both are right.
    """
    if tenanted and tenant is None:
        raise TenantError(f"the index {where} keeps tenants apart: give tenant=...")
    if tenanted is False and tenant is not None:
        raise TenantError(
            f"the index {where} was made without tenants; leave tenant= out, or index into another "
            "folder with tenant= from the first document on"
        )
