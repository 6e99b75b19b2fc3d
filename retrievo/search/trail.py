"""What one query met on its way through a search, step by step, for those who ask afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from retrievo.search.reranking import Reranked
from retrievo.types import Candidates, Chunk, Query, Rows


@dataclass(slots=True)
class Trail:
    """Filled by a search that is handed it; of several queries it keeps the last.

    `branches` are what each found, `fused` all candidates in the order of the fusion, `order` and
    `chunks` those that were fetched, `reranked` their new order.
    """

    forms: Sequence[Query] = ()
    branches: Mapping[str, Candidates] = field(default_factory=dict)
    failed: Mapping[str, Exception] = field(default_factory=dict)
    fused: Candidates | None = None
    order: Rows | None = None
    chunks: Sequence[Chunk] = ()
    reranked: Reranked | None = None
