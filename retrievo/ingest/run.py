"""Ingest as a plan that is applied: what changed is cut, encoded and written, the rest is left.

Each batch is represented by every retriever and written in one step, the next one is prepared
meanwhile. So a run that is killed has lost at most one batch, and the next run goes on from there.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import chain

import numpy as np

from retrievo.contracts import Batch, Chunker, Encoder, Retriever, Store
from retrievo.errors import ConfigError, EncoderError, IngestError, StoreError
from retrievo.filters import scoped
from retrievo.ingest.accounting import Accounting
from retrievo.ingest.changes import Changed, Changes
from retrievo.ingest.comparing import fingerprint_of
from retrievo.ingest.missing import gone_documents
from retrievo.ingest.refusals import refused_documents
from retrievo.ingest.report import Failure, IndexReport, Plan, Progress
from retrievo.ingest.sources import Sources
from retrievo.ingest.writer import Writer
from retrievo.truncation import recording
from retrievo.types import Document, Representation

DELETED_AT_ONCE = 1_000

REFUSALS = 3

WAITING = 0.5
"""An encoder that computes for less than this share of its time waits for a network or another
processor: a batch is then written meanwhile. Beside one that computes in Python the two threads
would only take turns, which cost a fifth more CPU time."""


Around = Callable[[Sequence[str], str | None], AbstractContextManager[None]]


def _nothing(doc_ids: Sequence[str], tenant: str | None) -> AbstractContextManager[None]:
    return nullcontext()


class Ingest:
    """One run over documents, with the parts that it needs.

    `around_write` is entered around each write and delete, with the ids of its documents and their
    tenant.
    """

    def __init__(
        self,
        store: Store,
        chunker: Chunker,
        retrievers: Mapping[str, Retriever],
        encoder: Encoder | None,
        *,
        tenant: str | None = None,
        fingerprint: Callable[[Document], str] = fingerprint_of,
        around_write: Callable[
            [Sequence[str], str | None], AbstractContextManager[None]
        ] = _nothing,
        stage_done: Callable[..., None] | None = None,
    ) -> None:
        self._store, self._chunker = store, chunker
        self._retrievers = retrievers
        self._accounting = Accounting(encoder)
        self._cache = getattr(encoder, "cache", None)
        self._tenant = tenant
        self._stage_done = stage_done
        self._around_write = around_write
        # A retriever whose vectors depend on the whole document cannot keep those of one chunk.
        reusable = not any(getattr(r, "whole_document", False) for r in retrievers.values())
        self._changes = Changes(
            store, chunker, reusable=reusable, tenant=tenant, fingerprint=fingerprint
        )

    def plan(self, given: Sources, *, sync: bool = False) -> Plan:
        """What `run` would do, at the cost of reading and cutting. Writes nothing."""
        added: list[str] = []
        updated: list[str] = []
        encode = keep = tokens = 0
        for changed in self._changes.batches(given):
            added += changed.ids(known=False)
            updated += changed.ids(known=True)
            fresh = [chunk for _, chunks in changed.fresh for chunk in chunks]
            encode += len(fresh)
            keep += changed.chunks - len(fresh)
            tokens += sum(chunk.token_count for chunk in fresh)
        return Plan(
            tuple(added),
            tuple(updated),
            tuple(self._gone(given, sync=sync)),
            tuple(self._changes.kept),
            tuple(self._changes.failures),
            encode,
            keep,
            tokens,
            tuple(self._changes.told()),
            getattr(self._chunker, "estimate", None),
        )

    def run(
        self,
        given: Sources,
        *,
        sync: bool = False,
        progress: Callable[[Progress], None] | None = None,
    ) -> IndexReport:
        """Write what changed, with `sync` also delete what the sources no longer have.

        The report says what was done, and which documents failed. Raises what makes a whole batch
        fail, an encoder that is down for example: what was written before stays, and the next run
        goes on from there.
        """
        started = time.perf_counter()
        report = IndexReport(failures=self._changes.failures)
        empty, before = self._store.count() == 0, self._count()
        found_before = self._found()
        with Writer() as writer:
            for changed in self._changes.batches(given):
                wall, busy = time.perf_counter(), time.thread_time()
                for rest, representations in self._represented(changed):
                    wall, busy = time.perf_counter() - wall, time.thread_time() - busy
                    # Weights that depend on the collection are fitted on the first batch, and the
                    # second must find that fit, whichever thread is faster.
                    first = empty and not report.chunks_written
                    beside = not first and busy < WAITING * wall
                    writer.submit(self._job(rest, representations, report), beside=beside)
                    wall, busy = time.perf_counter(), time.thread_time()
                if progress is not None:
                    seen = len(self._changes.seen)
                    progress(Progress(seen, given.total, report.chunks_written, "index"))
            writer.finish()
        report.deleted = self._delete(self._gone(given, sync=sync))
        self._settle(changed=bool(report.chunks_written or report.updated or report.deleted))
        after = self._count()
        report.chunks_cached = self._found() - found_before
        report.kept = len(self._changes.kept)
        report.failed = len(self._changes.failures)
        report.warnings += self._changes.told()
        report.warnings += report.ledger.told(report.chunks_written)
        # Where others write the same index as well, these are counts of what all of them did.
        report.chunks_kept = max(0, after - report.chunks_written)
        report.chunks_deleted = max(0, before - report.chunks_kept)
        report.seconds = time.perf_counter() - started
        if progress is not None:
            seen = len(self._changes.seen)
            progress(Progress(seen, given.total, report.chunks_written, "done"))
        return report

    def _represented(
        self, changed: Changed
    ) -> Iterator[tuple[Changed, Mapping[str, Representation]]]:
        """The batch and its representations, without the documents that an encoder refused.

        Where an encoder refuses something and does not say what, the batch comes in parts: it is
        halved until the documents to blame are alone. An encoder that refuses `REFUSALS` documents
        in a row, and none passed, is itself to blame.
        """
        parts, refused_alone = [changed], 0
        while parts:
            part = parts.pop()
            try:
                representations = self._represent(part)
            except EncoderError as error:
                reasons = refused_documents(error, part.fresh)
                if not reasons:
                    raise
                refused = set(reasons)
                self._changes.failures += [Failure(name, reasons[name]) for name in sorted(reasons)]
                # In halves: one that names a single text at a time is not asked for all the others
                # again each time.
                parts += _halves(part.without(refused))
            except (ConfigError, StoreError):
                raise
            except ValueError as error:
                ids = [document.id for document, _ in part.items]
                if len(ids) > 1:
                    parts += _halves(part)
                    continue
                refused_alone += 1
                if refused_alone == REFUSALS:
                    error.add_note(f"{REFUSALS} documents were refused, {ids[0]!r} the last")
                    raise
                reason = f"an encoder raised {type(error).__name__}: {error}"
                self._changes.failures.append(Failure(ids[0], reason))
            else:
                refused_alone = 0
                yield part, representations

    def _represent(self, changed: Changed) -> Mapping[str, Representation]:
        fresh = changed.fresh
        n = sum(len(chunks) for _, chunks in fresh)
        representations: dict[str, Representation] = {}
        with self._timed("encode", n), recording() as entries:
            if fresh:
                for retriever in self._retrievers.values():
                    representations |= retriever.represent(fresh)
        for name, rows in representations.items():
            if len(rows) != n:
                raise IngestError(f"representation {name!r} has {len(rows)} rows for {n} chunks")
        self._accounting.account(changed, entries)
        return representations

    def _job(
        self,
        changed: Changed,
        representations: Mapping[str, Representation],
        report: IndexReport,
    ) -> Callable[[], None]:
        """Writes the batch and counts it."""
        chunks = [chunk for _, part in changed.fresh for chunk in part]
        reuse = np.fromiter(chain.from_iterable(changed.reuse), np.int64, changed.chunks)
        batch = Batch(changed.items, changed.fingerprints, representations, reuse, self._tenant)

        def write() -> None:
            if changed.items:
                ids = [document.id for document, _ in changed.items]
                with self._around_write(ids, self._tenant), self._timed("write", len(chunks)):
                    self._store.write(batch)
            report.added += changed.known.count(False)
            report.updated += changed.known.count(True)
            report.chunks_written += len(chunks)
            report.tokens_encoded += sum(chunk.tokens_total for chunk in chunks)
            report.ledger.add(changed.fresh)

        return write

    def _found(self) -> int:
        """Texts whose vectors the encoder's cache had, so far."""
        return int(getattr(self._cache, "hits", 0))

    def _count(self) -> int:
        """The tenant's chunks."""
        return self._store.count(scoped(None, self._tenant))

    def _gone(self, given: Sources, *, sync: bool) -> list[str]:
        return gone_documents(self._store, self._tenant, given, self._changes, sync=sync)

    def _delete(self, doc_ids: Sequence[str]) -> int:
        gone = 0
        for at in range(0, len(doc_ids), DELETED_AT_ONCE):
            part = doc_ids[at : at + DELETED_AT_ONCE]
            with self._around_write(part, self._tenant):
                gone += self._store.delete(part, self._tenant)
        return gone

    def _settle(self, *, changed: bool) -> None:
        # Also where nothing was written: a run before this one may have been stopped before it.
        redone = [
            retriever.settle(self._store)
            for retriever in self._retrievers.values()
            if hasattr(retriever, "settle")
        ]
        if changed or any(redone):
            self._store.settle()

    @contextmanager
    def _timed(self, stage: str, count: int) -> Iterator[None]:
        """Tells a listener, if there is one, how long a step took."""
        started = time.perf_counter()
        yield
        if self._stage_done is not None:
            self._stage_done(stage, time.perf_counter() - started, count)


def _halves(part: Changed) -> list[Changed]:
    """The second half of the documents and the first, which is the next to be taken from a list."""
    ids = [document.id for document, _ in part.items]
    half = set(ids[: len(ids) // 2])
    return [part] if not half else [part.without(half), part.without(set(ids) - half)]
