"""What an ingest is going to do, is doing, and has done."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from retrievo.contextualize.estimate import Estimate
from retrievo.errors import IngestError
from retrievo.ingest.ledger import Ledger, TruncatedChunk, TruncatedDocument

LISTED = 20
"""Documents that lost tokens that the JSON names; the Python object has more."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingest is; `total` documents is None where the input does not tell."""

    documents: int
    total: int | None
    chunks: int
    stage: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A document that could not be indexed, and why."""

    doc_id: str
    reason: str

    def __str__(self) -> str:
        return f"{self.doc_id}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What `index` would do: document ids by what happens to them, and what it would cost.

    `contexts` is what a model would be asked that writes contexts; None where none does.
    """

    added: tuple[str, ...]
    updated: tuple[str, ...]
    deleted: tuple[str, ...]
    kept: tuple[str, ...]
    failed: tuple[Failure, ...]
    chunks_to_encode: int
    chunks_to_keep: int
    tokens_to_encode: int
    warnings: tuple[str, ...] = ()
    contexts: Estimate | None = None

    def with_warnings(self, more: Sequence[str]) -> "Plan":
        """The same plan with more to tell."""
        return replace(self, warnings=(*self.warnings, *more))

    def as_dict(self) -> dict[str, Any]:
        return {
            "documents": {
                "add": list(self.added),
                "update": list(self.updated),
                "delete": list(self.deleted),
                "keep": list(self.kept),
                "fail": [{"doc_id": f.doc_id, "reason": f.reason} for f in self.failed],
            },
            "chunks": {"encode": self.chunks_to_encode, "keep": self.chunks_to_keep},
            "tokens": {"encode": self.tokens_to_encode},
            **({} if self.contexts is None else {"contexts": self.contexts.as_dict()}),
            "warnings": list(self.warnings),
        }

    def __str__(self) -> str:
        contexts = "" if self.contexts is None else f"; contexts: {self.contexts}"
        return (
            f"would add {_n(len(self.added), 'document')}, update {len(self.updated)}, delete "
            f"{len(self.deleted)} and keep {len(self.kept)}; would encode "
            f"{_n(self.chunks_to_encode, 'chunk')} ({_n(self.tokens_to_encode, 'token')})"
            f"{contexts}"
        )


@dataclass(slots=True)
class IndexReport:
    """What `index` did: counts of documents, chunks and tokens, and what there is to tell.

    `ledger` is the account of what encoders did not read of the chunks that they were given in this
    run; chunks that kept their vectors have their own account still, and are not in it.
    """

    added: int = 0
    updated: int = 0
    deleted: int = 0
    kept: int = 0
    failed: int = 0
    chunks_written: int = 0
    chunks_kept: int = 0
    chunks_deleted: int = 0
    chunks_cached: int = 0
    """Chunks for which the encoder's cache had a vector: nothing was computed for them."""
    tokens_encoded: int = 0
    seconds: float = 0.0
    warnings: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def tokens_lost(self) -> int:
        """Tokens of chunks that are in no vector, in the tokens of the encoder that cut them."""
        return self.ledger.tokens_lost

    @property
    def truncated_chunks(self) -> int:
        return self.ledger.chunks

    @property
    def truncated(self) -> list[TruncatedChunk]:
        """The chunks that lost tokens, the worst 1,000 of them; `truncated_chunks` counts all."""
        return self.ledger.worst_chunks

    @property
    def truncated_documents(self) -> list[TruncatedDocument]:
        """Their documents, the worst 1,000; `ledger.documents` counts all."""
        return self.ledger.worst_documents

    def as_dict(self) -> dict[str, Any]:
        """The counts as `retrievo index --json` prints them; the keys are stable."""
        return {
            "documents": {
                "added": self.added,
                "updated": self.updated,
                "deleted": self.deleted,
                "kept": self.kept,
                "failed": self.failed,
            },
            "chunks": {
                "written": self.chunks_written,
                "kept": self.chunks_kept,
                "deleted": self.chunks_deleted,
                "cached": self.chunks_cached,
            },
            "tokens": {
                "encoded": self.tokens_encoded,
                "lost": self.tokens_lost,
                "truncated_chunks": self.truncated_chunks,
                "truncated_documents": [one._asdict() for one in self.truncated_documents[:LISTED]],
            },
            "seconds": round(self.seconds, 3),
            "warnings": list(self.warnings),
        }

    def add(self, other: "IndexReport") -> None:
        """Count what another run over other documents did as well."""
        for name in ("added", "updated", "kept", "failed", "chunks_written", "chunks_kept"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.chunks_cached += other.chunks_cached
        self.tokens_encoded += other.tokens_encoded
        self.seconds += other.seconds
        self.warnings += other.warnings
        self.failures += other.failures

    def raise_failures(self) -> None:
        """Raise IngestError, with the failures and this report, where documents failed."""
        if self.failures:
            total = self.added + self.updated + self.kept + self.failed
            rest = ", the others are in" if total > self.failed else ""
            raise IngestError(
                f"{self.failed} of {_n(total, 'document')} could not be indexed{rest}: "
                f"{worst(self.failures)}",
                self.failures,
                self,
            )

    def __str__(self) -> str:
        if not (self.added or self.updated or self.failed or self.kept or self.deleted):
            return "nothing to index: no document was found"
        if not (self.added or self.updated or self.failed or self.deleted):
            return f"nothing to write: {_n(self.kept, 'document')} unchanged"
        parts = [f"{self.added} added", f"{self.updated} updated", f"{self.kept} unchanged"]
        if self.deleted:
            parts.append(f"{self.deleted} deleted")
        if self.failed:
            parts.append(f"{self.failed} failed")
        cached = f" ({self.chunks_cached} from the cache)" if self.chunks_cached else ""
        text = (
            f"{_n(self.added + self.updated + self.kept + self.failed, 'document')}: "
            f"{', '.join(parts)}; {_n(self.chunks_written, 'chunk')} written{cached}, "
            f"{self.chunks_kept} kept, {self.chunks_deleted} deleted; "
            f"{_n(self.tokens_encoded, 'token')} encoded"
        )
        if self.tokens_lost:
            text += f", {self.tokens_lost} of them beyond the encoder's limit and lost"
            text += f" ({self.ledger.worst()})"
        return f"{text}; {self.seconds:.1f} s"


def _n(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def worst(failures: Sequence[Failure], shown: int = 3) -> str:
    """The first failures in a line, and how many more there are."""
    text = "; ".join(str(failure) for failure in failures[:shown])
    return text if len(failures) <= shown else f"{text}; and {len(failures) - shown} more"
