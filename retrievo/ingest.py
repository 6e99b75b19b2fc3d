"""Ingest as a plan that is applied: what changed is cut, encoded and written, the rest is left.

Documents are taken in batches. A batch is compared with the store by fingerprint, what is new or
changed is cut, chunks that kept their text and context keep their vectors, the others are
represented by every retriever, and the batch is written in one step. So a run that is killed has
lost at most one batch, and the next run goes on from there.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from retrievo.chunk.checking import checked_chunks
from retrievo.comparing import fingerprint_of, other_file, rows_to_reuse
from retrievo.contracts import Batch, Chunker, Encoder, Retriever, Store
from retrievo.errors import DocumentError, IngestError, RetrievoError
from retrievo.report import Failure, IndexReport, Plan, Progress
from retrievo.types import Chunk, Document, Representation

COMPARED_AT_ONCE = 512
"""Documents whose fingerprints are looked up together."""

CHUNKS_A_WRITE = 2048
CHARACTERS_A_WRITE = 16_000_000
"""A batch ends at whichever comes first; both count input, never time, so runs repeat exactly."""


@dataclass(slots=True)
class _Changed:
    """Documents of one batch to be written, and where each chunk's vectors come from."""

    items: list[tuple[Document, list[Chunk]]] = field(default_factory=list)
    fingerprints: list[str] = field(default_factory=list)
    reuse: list[int] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    characters: int = 0

    def fresh(self) -> list[tuple[Document, list[Chunk]]]:
        """The items with only those chunks that have no vectors yet."""
        if not any(row >= 0 for row in self.reuse):
            return self.items
        rows = iter(self.reuse)
        kept = [
            (document, [chunk for chunk in chunks if next(rows) < 0])
            for document, chunks in self.items
        ]
        return [item for item in kept if item[1]]


class Ingest:
    """One run over documents, with the parts that it needs."""

    def __init__(
        self,
        store: Store,
        chunker: Chunker,
        retrievers: Mapping[str, Retriever],
        encoder: Encoder | None,
        *,
        stage_done: Callable[..., None] | None = None,
    ) -> None:
        self._store = store
        self._chunker = chunker
        self._retrievers = retrievers
        self._encoder = encoder
        self._stage_done = stage_done
        # A retriever whose vectors depend on the whole document cannot keep those of one chunk.
        self._reusable = not any(getattr(r, "whole_document", False) for r in retrievers.values())
        self._seen: dict[str, str] = {}
        self._kept: list[str] = []
        self._failures: list[Failure] = []
        self._repeated: list[str] = []

    def plan(self, documents: Iterable[object]) -> Plan:
        added: list[str] = []
        updated: list[str] = []
        encode = keep = tokens = 0
        for changed in self._changes(documents):
            added += changed.added
            updated += changed.updated
            fresh = [chunk for _, chunks in changed.fresh() for chunk in chunks]
            encode += len(fresh)
            keep += len(changed.reuse) - len(fresh)
            tokens += sum(chunk.token_count for chunk in fresh)
        return Plan(
            tuple(added),
            tuple(updated),
            tuple(self._kept),
            tuple(self._failures),
            encode,
            keep,
            tokens,
            tuple(self._told()),
        )

    def run(
        self,
        documents: Iterable[object],
        *,
        progress: Callable[[Progress], None] | None = None,
        total: int | None = None,
    ) -> IndexReport:
        """Write what changed; the report says what that was, and which documents failed.

        Raises what makes a whole batch fail, an encoder that is down for example: what was written
        before stays, and the next run goes on from there.
        """
        started = time.perf_counter()
        report = IndexReport(failures=self._failures)
        before = self._store.count()
        for changed in self._changes(documents):
            self._write(changed, report)
            if progress is not None:
                progress(Progress(len(self._seen), total, report.chunks_written, "index"))
        # Also where nothing was written: a run before this one may have been stopped before it.
        redone = [
            retriever.settle(self._store)
            for retriever in self._retrievers.values()
            if hasattr(retriever, "settle")
        ]
        if report.chunks_written or report.updated or any(redone):
            self._store.settle()
        after = self._store.count()
        report.kept = len(self._kept)
        report.failed = len(self._failures)
        report.warnings += self._told()
        report.chunks_kept = after - report.chunks_written
        report.chunks_deleted = before - report.chunks_kept
        report.seconds = time.perf_counter() - started
        if progress is not None:
            progress(Progress(len(self._seen), total, report.chunks_written, "done"))
        return report

    def _write(self, changed: _Changed, report: IndexReport) -> None:
        fresh = changed.fresh()
        chunks = [chunk for _, part in fresh for chunk in part]
        representations: dict[str, Representation] = {}
        with self._timed("encode", len(chunks)):
            if fresh:
                for retriever in self._retrievers.values():
                    representations |= retriever.represent(fresh)
        self._check(representations, len(chunks))
        reuse = np.array(changed.reuse, np.int64)
        with self._timed("write", len(chunks)):
            self._store.write(Batch(changed.items, changed.fingerprints, representations, reuse))
        report.added += len(changed.added)
        report.updated += len(changed.updated)
        report.chunks_written += len(chunks)
        report.tokens_encoded += sum(chunk.token_count for chunk in chunks)
        report.tokens_lost += self._lost(chunks)

    def _told(self) -> list[str]:
        if not self._repeated:
            return []
        n, first = len(self._repeated), self._repeated[0]
        return [f"{n} documents came twice with the same id and content, {first!r} the first"]

    def _check(self, representations: Mapping[str, Representation], n: int) -> None:
        for name, rows in representations.items():
            if len(rows) != n:
                raise IngestError(f"representation {name!r} has {len(rows)} rows for {n} chunks")

    def _lost(self, chunks: list[Chunk]) -> int:
        limit = None if self._encoder is None else self._encoder.max_tokens
        if limit is None:
            return 0
        room = limit - int(getattr(self._encoder, "special_tokens", 0))
        return sum(max(0, chunk.token_count - room) for chunk in chunks)

    @contextmanager
    def _timed(self, stage: str, count: int) -> Iterator[None]:
        """Tells a listener, if there is one, how long a step took."""
        started = time.perf_counter()
        yield
        if self._stage_done is not None:
            self._stage_done(stage, time.perf_counter() - started, count)

    # what changed

    def _changes(self, documents: Iterable[object]) -> Iterator[_Changed]:
        """Batches of what is new or changed, in the order of the input."""
        changed = _Changed()
        stream = iter(documents)
        while group := list(islice(stream, COMPARED_AT_ONCE)):
            for document, fingerprint, known in self._compare(group):
                self._add(changed, document, fingerprint, known=known)
                full = (
                    len(changed.reuse) >= CHUNKS_A_WRITE or changed.characters >= CHARACTERS_A_WRITE
                )
                if full:
                    yield changed
                    changed = _Changed()
        if changed.items:
            yield changed

    def _compare(self, group: list[object]) -> Iterator[tuple[Document, str, bool]]:
        """The documents of a group that are new or changed, and whether the store has them."""
        given: list[tuple[Document, str]] = []
        for item in group:
            try:
                document = Document.of(item)
                fingerprint = fingerprint_of(document)
                if self._is_repeated(document, fingerprint):
                    continue
                given.append((document, fingerprint))
            except DocumentError as error:
                self._failures.append(Failure("a document", str(error)))
        known = self._store.fingerprints([document.id for document, _ in given])
        for document, fingerprint in given:
            old = known.get(document.id)
            if old == fingerprint:
                self._kept.append(document.id)
            else:
                yield document, fingerprint, old is not None

    def _is_repeated(self, document: Document, fingerprint: str) -> bool:
        first = self._seen.setdefault(document.id, fingerprint)
        if first is fingerprint:
            return False
        if first == fingerprint:
            self._repeated.append(document.id)
        else:
            reason = "the id comes twice in this run with different contents; the first one is in"
            self._failures.append(Failure(document.id, reason))
        return True

    def _add(self, changed: _Changed, document: Document, fingerprint: str, *, known: bool) -> None:
        try:
            chunks = checked_chunks(document, self._chunker.chunk(document))
        except RetrievoError as error:
            self._failures.append(Failure(document.id, str(error)))
            return
        except Exception as error:  # a plugin's chunker may raise anything; the others go on
            name = type(self._chunker).__name__
            reason = f"the chunker {name} raised {type(error).__name__}: {error}"
            self._failures.append(Failure(document.id, reason))
            return
        reuse = [-1] * len(chunks)
        if known:
            rows = self._store.document_rows([document.id])[0]
            old = list(zip(rows.tolist(), self._store.get(rows), strict=True))
            other = other_file(document, old[0][1] if old else None)
            if other is not None:
                self._failures.append(Failure(document.id, other))
                return
            if self._reusable:
                reuse = rows_to_reuse(old, chunks)
        changed.items.append((document, chunks))
        changed.fingerprints.append(fingerprint)
        changed.characters += len(document.text)
        (changed.updated if known else changed.added).append(document.id)
        changed.reuse += reuse
