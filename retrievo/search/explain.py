"""Where one document stands for a query: found, filtered out, too deep, or not there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from retrievo.contracts import Retriever, Store
from retrievo.filters import Filter, matches, unscoped
from retrievo.hits import Hit
from retrievo.ingest.sources import check_ids
from retrievo.search.branches import DEPTH
from retrievo.search.searcher import Searcher
from retrievo.search.why_not import DEEPEST, best_place
from retrievo.types import Query

Status = Literal["found", "beyond depth", "filtered out", "no match", "not indexed"]


@dataclass(frozen=True, slots=True)
class DocumentExplanation:
    """`rank` counts documents by their best chunk; `branches` holds the document's best rank in
    each branch however deep, and the depth that a search looks at. Of a branch that searches in two
    stages `first_stage_rank` is the document's in the first, which decides whether it is looked at.
    """

    query: str
    doc_id: str
    status: Status
    rank: int | None
    hit: Hit | None
    branches: Mapping[str, Mapping[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        return {
            "query": self.query,
            "doc_id": self.doc_id,
            "status": self.status,
            "rank": self.rank,
            "chunk_id": None if self.hit is None else self.hit.chunk.id,
            "score": None if self.hit is None else self.hit.score,
            "trace": None if self.hit is None else dict(self.hit.trace),
            "branches": {name: dict(branch) for name, branch in self.branches.items()},
        }

    def __str__(self) -> str:
        lines = [f"{self.doc_id!r} for {self.query!r}: {self.status}"]
        if self.rank is not None:
            lines[0] += f", rank {self.rank} of the documents"
        if self.hit is not None:
            lines.append(str(self.hit.explain()))
        for name, branch in self.branches.items():
            if branch["rank"] is None:
                lines.append(f"  {name}: no match, however deep")
            elif branch.get("first_stage_rank", branch["rank"]) > branch["depth"]:
                looked_at = f"a search looks at the best {branch['depth']}"
                if "first_stage_rank" in branch:
                    rank = branch["first_stage_rank"]
                    looked_at = f"but rank {rank} in its first stage, of which {looked_at}"
                lines.append(
                    f"  {name}: rank {branch['rank']}, score {branch['score']:.4f}; {looked_at}"
                )
        return "\n".join(lines)


def explain_document(
    store: Store,
    retrievers: Mapping[str, Retriever],
    searcher: Searcher,
    query: str,
    doc_id: str,
    filters: Filter | None,
) -> DocumentExplanation:
    """The account of one document, from the same search that a user would run."""
    with store.reading():
        known = check_ids(doc_id)
        tenant, wanted = unscoped(filters)
        rows = store.document_rows(known, tenant)[0] if known else np.empty(0, np.int64)
        if not len(rows):
            return DocumentExplanation(query, doc_id, "not indexed", None, None, {})
        chunks = store.get(rows)
        if wanted is not None and not any(
            matches(wanted, chunk.metadata, chunk.doc_id) for chunk in chunks
        ):
            return DocumentExplanation(query, doc_id, "filtered out", None, None, {})
        branches: dict[str, dict[str, Any]] = {}
        for name, retriever in retrievers.items():
            depth = getattr(retriever, "depth", DEPTH)
            asked = [Query(query)]
            deepest = min(store.count(), DEEPEST)
            found = retriever.search(asked, deepest, filters)[0]
            best = best_place(found, rows)
            branches[name] = {
                "rank": None if best is None else best + 1,
                "score": None if best is None else float(found.scores[best]),
                "depth": depth,
            }
            first_stage = getattr(retriever, "first_stage", None)
            if best is not None and first_stage is not None:
                first = best_place(first_stage(asked, deepest, filters)[0], rows)
                if first is not None:
                    branches[name]["first_stage_rank"] = first + 1
        # As many as the branches hand over: a document beyond them is beyond any top_k.
        deep = max((branch["depth"] for branch in branches.values()), default=DEPTH)
        seen: list[str] = []
        for hit in searcher.search([query], deep, filters)[0]:
            if hit.doc_id not in seen:
                seen.append(hit.doc_id)
            if hit.doc_id == doc_id:
                return DocumentExplanation(query, doc_id, "found", len(seen), hit, branches)
        reached = any(branch["rank"] is not None for branch in branches.values())
        status: Status = "beyond depth" if reached else "no match"
        return DocumentExplanation(query, doc_id, status, None, None, branches)
