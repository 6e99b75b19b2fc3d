"""What leaves the pipeline: chunks with their place, their score and the account of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

from retrievo.types import Chunk


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that leaves the pipeline, with its place, its score and how the score came about."""

    chunk: Chunk
    score: float
    rank: int
    trace: Mapping[str, Any]

    @property
    def text(self) -> str:
        return self.chunk.text

    @property
    def doc_id(self) -> str:
        return self.chunk.doc_id

    @property
    def metadata(self) -> Mapping[str, Any]:
        return self.chunk.metadata

    def explain(self) -> "Explanation":
        """The account of this hit: `as_dict()` for programs, `str()` for people."""
        return Explanation(self)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Per step the rank, raw score, normalised score, weight and contribution of one hit."""

    hit: Hit

    def as_dict(self) -> dict[str, Any]:
        return dict(self.hit.trace)

    def __str__(self) -> str:
        hit, trace = self.hit, self.hit.trace
        lines = [
            f"#{hit.rank} {hit.doc_id} [{hit.chunk.start}:{hit.chunk.end}] score {hit.score:.4f}"
        ]
        for name, branch in trace["branches"].items():
            if branch["rank"] is None and branch["score"] is None:
                found = "not found within depth"
            elif branch["rank"] is None:
                found = f"beyond depth, scored afterwards {branch['score']:.4f}"
            else:
                found = f"rank {branch['rank']}, score {branch['score']:.4f}"
                if "scored_by" in branch:
                    found += f" by {branch['scored_by']}"
            lines.append(
                f"  {name}: {found}; normalised {branch['normalised']:.4f} "
                f"x weight {branch['weight']:g} = {branch['contribution']:.4f}"
            )
        if hit.chunk.truncated is not None:
            seen, total = hit.chunk.truncated
            lines.append(f"  its vector holds {seen:,} of its {total:,} tokens")
        lines += [f"  {told}" for told in _later_steps(trace)]
        return "\n".join(lines)

    def __rich__(self) -> Any:
        """The account as a table, for rich and for notebooks: a row for each branch and step."""
        from rich.table import Table  # only who shows it needs it

        hit, trace = self.hit, self.hit.trace
        title = f"#{hit.rank} {hit.doc_id} [{hit.chunk.start}:{hit.chunk.end}]"
        notes = "\n".join(_later_steps(trace)) or None
        table = Table("step", "rank", "score", "normalised", "weight", "contribution")
        table.title, table.caption, table.caption_justify = title, notes, "left"
        for column in table.columns[1:]:
            column.justify = "right"
        for name, branch in trace["branches"].items():
            score = "" if branch["score"] is None else f"{branch['score']:.4f}"
            numbers = (branch["normalised"], branch["weight"], branch["contribution"])
            cells = [f"{number:.4f}" for number in numbers]
            table.add_row(name, str(branch["rank"] or "-"), score, *cells)
        fused = trace.get("fused", {"rank": hit.rank, "score": trace["score"]})
        table.add_section()
        table.add_row("fused", str(fused["rank"]), "", "", "", f"{fused['score']:.4f}")
        if trace.get("rerank"):
            rerank = trace["rerank"]
            table.add_row("rerank", str(rerank["rank"]), f"{rerank['score']:.4f}", "", "", "")
        return table


def _later_steps(trace: Mapping[str, Any]) -> Iterator[str]:
    """A line for each step after the fusion that the trace tells of."""
    rerank = trace.get("rerank")
    if rerank:
        by = f" by {rerank['scored_by']}" if "scored_by" in rerank else ""
        yield (
            f"rerank: rank {rerank['rank']}, score {rerank['score']:.4f}{by}; rank "
            f"{trace['fused']['rank']} before it"
        )
    elif "fused" in trace:
        yield "rerank: not read"
    if "confidence" in trace:
        yield f"confidence {trace['confidence']:.2f}"
    if "duplicates" in trace:
        others = ", ".join(one["doc_id"] for one in trace["duplicates"])
        yield f"stands for what says the same: {others}"
    if "merged" in trace:
        yield "parent of {children} found of {of} children".format_map(trace["merged"])
    if "expanded" in trace:
        yield "with {before} chunks before and {after} after it".format_map(trace["expanded"])
    if "tokens" in trace:
        yield f"{trace['tokens']:,} tokens"


class Hits(Sequence[Hit]):
    """Hits, best first, with `timings` in seconds by step and `warnings`.

    `confidence` is the best candidate's, from 0 to 1, where `min_confidence` asked for it; `tokens`
    what the texts have together, where `max_context_tokens` had them counted.
    """

    __slots__ = ("_hits", "confidence", "query", "timings", "tokens", "warnings")

    def __init__(
        self,
        hits: Sequence[Hit],
        query: str = "",
        timings: Mapping[str, float] | None = None,
        warnings: Sequence[str] = (),
        *,
        confidence: float | None = None,
        tokens: int | None = None,
    ) -> None:
        self._hits = tuple(hits)
        self.confidence = confidence
        self.tokens = tokens
        self.query = query
        self.timings = dict(timings or {})
        self.warnings = list(warnings)

    @overload
    def __getitem__(self, i: int) -> Hit: ...
    @overload
    def __getitem__(self, i: slice) -> tuple[Hit, ...]: ...
    def __getitem__(self, i: int | slice) -> Hit | tuple[Hit, ...]:
        return self._hits[i]

    def __len__(self) -> int:
        return len(self._hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self._hits)

    def __repr__(self) -> str:
        return f"Hits({len(self._hits)} for {self.query!r})"
