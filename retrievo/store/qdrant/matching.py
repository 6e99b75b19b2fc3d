"""The chunks that a filter means, as one condition for the server, whatever it can say itself."""

import json

from qdrant_client import models

from retrievo.filters import Filter, matches
from retrievo.store.qdrant.conditions import conditions_of, having, visible
from retrievo.store.qdrant.sending import Server

PAGE = 2000
"""Chunks whose metadata are read in one request."""


def matching(server: Server, wanted: Filter | None, tenant: str | None) -> models.Filter | None:
    """What the visible chunks in scope that match fulfil; None where none can match.

    Where the server cannot say the filter, the metadata of all that may match are read, the filter
    is evaluated here, and the condition names the rows.
    """
    if wanted is None:
        return visible(tenant)
    said = conditions_of(wanted)
    if isinstance(said.condition, bool):
        if not said.condition:
            return None
        where = visible(tenant)
    else:
        where = visible(tenant, said.condition)
    if said.exact:
        return where
    doing = "reading metadata for a filter"
    rows = [
        int(point.id)
        for page in server.pages(doing, where, PAGE, ["metadata", "doc_id"])
        for point in page
        if matches(wanted, json.loads(point.payload["metadata"]), point.payload["doc_id"])
    ]
    return visible(tenant, having(rows)) if rows else None
