"""What encoders did not read, by chunk and by document: exact sums, and the worst by name."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeVar

from retrievo.contracts import Items
from retrievo.types import Chunk

KEPT = 1_000
"""Chunks, and documents, that are named; beyond them only the sums are kept. An ingest of a million
chunks that are all too long must not run out of memory over its own account."""

SHOWN = 3


class TruncatedChunk(NamedTuple):
    """A chunk of which not all is in its vector; tokens are the encoder's."""

    doc_id: str
    chunk_id: str
    tokens_total: int
    tokens_seen: int

    @property
    def tokens_lost(self) -> int:
        return self.tokens_total - self.tokens_seen


class TruncatedDocument(NamedTuple):
    """A document with such chunks: how many, and the tokens of those chunks alone."""

    doc_id: str
    chunks: int
    tokens_total: int
    tokens_seen: int

    @property
    def tokens_lost(self) -> int:
        return self.tokens_total - self.tokens_seen

    def __str__(self) -> str:
        return f"{self.doc_id} lost {self.tokens_lost:,} of {self.tokens_total:,} tokens"


Entry = TypeVar("Entry", TruncatedChunk, TruncatedDocument)


@dataclass(slots=True)
class Ledger:
    """The sums of all that was added, and the `KEPT` worst chunks and documents.

    Nothing is added for a chunk that was read to its end.
    """

    chunks: int = 0
    documents: int = 0
    tokens_total: int = 0
    tokens_seen: int = 0
    _chunks: list[TruncatedChunk] = field(default_factory=list)
    _documents: list[TruncatedDocument] = field(default_factory=list)

    def add(self, items: Items) -> None:
        """Account for chunks that were encoded; a document comes whole, in one call."""
        for document, chunks in items:
            cut = [
                TruncatedChunk(document.id, chunk.id, chunk.tokens_total, chunk.tokens_seen)
                for chunk in chunks
                if chunk.truncated is not None
            ]
            if not cut:
                continue
            total = sum(one.tokens_total for one in cut)
            seen = sum(one.tokens_seen for one in cut)
            self.chunks += len(cut)
            self.documents += 1
            self.tokens_total += total
            self.tokens_seen += seen
            self._chunks += cut
            self._documents.append(TruncatedDocument(document.id, len(cut), total, seen))
        # Seldom, so that each entry is sorted about once.
        if len(self._chunks) > 2 * KEPT:
            self._chunks = _worst(self._chunks)
        if len(self._documents) > 2 * KEPT:
            self._documents = _worst(self._documents)

    @property
    def tokens_lost(self) -> int:
        return self.tokens_total - self.tokens_seen

    @property
    def worst_chunks(self) -> list[TruncatedChunk]:
        """Those that lost most tokens first, at most `KEPT`; equal ones as they came."""
        return _worst(self._chunks)

    @property
    def worst_documents(self) -> list[TruncatedDocument]:
        """Those that lost most tokens first, at most `KEPT`; equal ones as they came."""
        return _worst(self._documents)

    def told(self, chunks: int) -> list[str]:
        """A sentence, given how many chunks were encoded; none where nothing was lost."""
        if not self.chunks:
            return []
        return [
            f"{self.chunks:,} of {chunks:,} chunks are longer than an encoder reads: "
            f"{self.tokens_lost:,} of their {self.tokens_total:,} tokens are in no vector; "
            f"{self.worst()}; set a smaller chunk_size, or on_truncate of the encoder"
        ]

    def worst(self) -> str:
        """The documents that lost most, in a line, and how many more there are."""
        text = ", ".join(map(str, self.worst_documents[:SHOWN]))
        more = self.documents - SHOWN
        return f"{text} and {more:,} more" if more > 0 else text


def marked(chunk: Chunk, truncated: tuple[int, int] | None) -> Chunk:
    """The chunk with (tokens seen, tokens in all) of a text that was cut, None of one that fits."""
    return chunk if chunk.truncated == truncated else replace(chunk, truncated=truncated)


def _worst(entries: list[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda one: -one.tokens_lost)[:KEPT]
