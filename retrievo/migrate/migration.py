"""One migration of one index: begun, carried on, finished or given up."""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Self

from retrievo.contextualize.contextualized import chunker_of
from retrievo.contracts import Retriever, Store
from retrievo.encode.space_map import SpaceMap
from retrievo.errors import ConfigError, StoreError
from retrievo.ingest.comparing import fingerprint_of
from retrievo.ingest.report import IndexReport, Progress
from retrievo.ingest.run import Ingest
from retrievo.ingest.sources import Sources
from retrievo.migrate.record import Record
from retrievo.migrate.stored_documents import StoredDocuments, tenants_of
from retrievo.migrate.tracking import Tracking
from retrievo.migrate.two_spaces import Moved, TwoSpaces
from retrievo.retrieve.dense import DenseRetriever
from retrievo.telling import tell
from retrievo.types import Rows

if TYPE_CHECKING:
    from retrievo.pipeline import Pipeline

WANTED = 1_000
"""Documents that queries have found and that are still to be moved, remembered at most."""


class Migration:
    """An index that moves to another encoder. `pipeline.migrate` makes one, or goes on with one.

    The pipeline answers all the time. `run` moves documents until all are moved, `start` does so in
    a thread; documents that queries find come first. `finish` moves what is left and exchanges the
    indexes. What is moved is kept: a process that is killed loses a batch, and the next goes on.
    """

    def __init__(
        self, old: "Pipeline", new: "Pipeline", record: Record, space_map: SpaceMap | None
    ) -> None:
        self.record = record
        self.new = new
        """The pipeline of the new index, which is not complete before `finish`."""
        self._pipeline = old
        self._map = space_map
        self._wanted: deque[str] = deque(maxlen=WANTED)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._failed: BaseException | None = None
        self._turn = threading.Lock()
        self._tracking = Tracking(old.store, new._assembly.part("store"))
        self._tracking.reconcile()  # another process may have written since

    # what it is

    @property
    def answers(self) -> str:
        """How queries are answered meanwhile: "mapped" or "old"."""
        return self.record.answers

    @property
    def documents(self) -> tuple[int, int]:
        """How many documents have moved, and how many there are."""
        return self._new_store.document_count(), self._old_store.document_count()

    @property
    def is_complete(self) -> bool:
        """Whether all documents have moved, as they are now."""
        done, total = self.documents
        return done == total and not self._tracking.missing()

    @property
    def moved(self) -> Moved:
        """The rows of both indexes of what has moved."""
        return self._tracking.moved

    @property
    def _old_store(self) -> Store:
        return self._pipeline.store

    @property
    def _new_store(self) -> Store:
        store: Store = self.new._assembly.part("store")
        return store

    def __repr__(self) -> str:
        if self._pipeline._migration is not self:
            return f"<Migration to {_name(self.record.new)}, which is over>"
        done, total = self.documents
        return f"<Migration to {_name(self.record.new)}: {done} of {total} documents>"

    # answering

    def retrievers(self, given: Mapping[str, Retriever]) -> Mapping[str, Retriever]:
        """The branches that answer meanwhile: those given, the dense ones over both indexes."""
        if self._map is None or self.record.scale is None:
            return given
        made: dict[str, Retriever] = {}
        encoder = self.new._assembly.part("encoder")
        for name, retriever in given.items():
            made[name] = retriever
            if isinstance(retriever, DenseRetriever):
                made[name] = TwoSpaces(
                    retriever,
                    self._new_store,
                    self._old_store,
                    encoder,
                    self._map,
                    self.record.scale,
                    self,
                    old_encoder=self._pipeline._assembly.part("encoder"),
                    representation=next(iter(retriever.representations)),
                    names=(_name(self.record.old), _name(self.record.new)),
                )
        return made

    def wanted(self, rows: Rows) -> None:
        """Hear of rows of the old index that a query has found: they are moved before others."""
        if self._thread is not None and len(rows):
            ids = dict.fromkeys(chunk.doc_id for chunk in self._old_store.get(rows[:50]))
            self._wanted.extend(ids)

    def changing(self, doc_ids: Sequence[str], tenant: str | None) -> AbstractContextManager[None]:
        """Around a change of documents in the old index: they have to move again."""
        return self._tracking.changing(doc_ids, tenant)

    def reconcile(self) -> None:
        """Take out of the new index what the old one has no more, or has otherwise by now."""
        self._tracking.reconcile()

    # moving

    def run(
        self, *, sources: Any = None, progress: Callable[[Progress], None] | None = None
    ) -> IndexReport:
        """Move documents until all are moved, or `stop` is called; the report of what was done.

        `sources` are those of `Pipeline.index`, for a migration that cuts documents anew, and for
        no other: then documents come from there, as they were, and not from the index.

        Raises what the new encoder raises: what was moved stays moved, and the next run goes on.
        IngestError, after the run, where the encoder refused single documents.
        """
        self._check_current()
        self._stop.clear()
        return self._move(sources, progress)

    def _move(self, sources: Any, progress: Callable[[Progress], None] | None) -> IndexReport:
        if (sources is None) == self.record.recut:
            raise ConfigError(
                "this migration cuts documents anew: give the sources that the index was made of"
                if self.record.recut
                else "this migration keeps the chunks of the index: it takes no sources"
            )
        with self._turn:
            total = self._old_store.document_count()
            report = IndexReport()
            for tenant in tenants_of(self._old_store):
                done = self._new_store.document_count()
                found = self._run(tenant, sources, _counted(progress, done, total))
                report.add(found)
                if self._stop.is_set():
                    break
            self._tracking.reconcile()
            report.kept = max(0, self.documents[0] - report.added - report.updated)
            report.raise_failures()
            return report

    def _run(
        self, tenant: str | None, sources: Any, progress: Callable[[Progress], None] | None
    ) -> IndexReport:
        store = self.new._binding.for_writing(tenant)
        documents = StoredDocuments(
            self._old_store,
            tenant,
            have=lambda ids: store.fingerprints(ids, tenant) if store.document_count() else {},
            wanted=self._wanted,
            stopped=self._stop.is_set,
        )
        part = self.new._assembly.part
        given = Sources(documents if sources is None else sources, lambda: part("readers"))
        ingest = Ingest(
            store,
            documents if sources is None else chunker_of(part),
            part("retrievers"),
            part("encoder"),
            tenant=tenant,
            fingerprint=documents.fingerprint if sources is None else fingerprint_of,
        )

        def moved(done: Progress) -> None:
            self._tracking.refresh()
            if progress is not None:
                progress(done)

        try:
            return ingest.run(given, progress=moved)
        finally:
            self._tracking.refresh()

    def start(self) -> Self:
        """Move documents in a thread, beside searches. `wait` tells when it has ended, and how."""
        self._check_current()
        if self._thread is None or not self._thread.is_alive():
            self.wait()  # what ended one before is told, not forgotten
            self._stop.clear()
            self._thread = threading.Thread(target=self._work, name="retrievo-migration")
            self._thread.daemon = True  # what is not moved is moved next time
            self._thread.start()
        return self

    def _work(self) -> None:
        try:
            self._move(None, None)
        except BaseException as error:  # told by `wait`: nobody else would hear of it
            self._failed = error

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether the thread has ended within the time. Raises what ended it, if anything did."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)
            if thread.is_alive():
                return False
            self._thread = None
        failed, self._failed = self._failed, None
        if failed is not None:
            raise failed
        return True

    def stop(self) -> None:
        """End the thread after the batch it is at; what was moved is kept."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    # ending

    def finish(
        self, *, sources: Any = None, progress: Callable[[Progress], None] | None = None
    ) -> IndexReport:
        """Move what is left and put the new index in the place of the old one.

        The pipeline is one of the new encoder from then on, and so is the index for whoever opens
        it next. Writers wait while the last documents move, searches while the indexes are
        exchanged. Raises as `run` does, and nothing is exchanged then.
        """
        self._check_current()
        self.wait()
        report = self.run(sources=sources, progress=progress)
        from retrievo.migrate.ending import take_place

        with self._pipeline._writes:
            if not self.is_complete:  # something was written meanwhile, or the run was stopped
                report.add(self.run(sources=sources, progress=progress))
                report.kept = max(0, self.documents[0] - report.added - report.updated)
            if not self.is_complete:
                raise StoreError(self._incomplete())
            take_place(self._pipeline, self)
        return report

    def _check_current(self) -> None:
        if self._pipeline._migration is not self:
            raise ConfigError("this migration is over: it was finished or given up")

    def _incomplete(self) -> str:
        names = self._tracking.missing()
        if names and self.record.recut:
            return (
                f"{len(names)} documents of the index are not in the sources, or are otherwise "
                f"there, {names[0]!r} the first: index the sources, or delete what is gone"
            )
        return f"{len(names)} documents have not moved: the run was stopped; call finish again"

    def cancel(self) -> None:
        """Give the migration up: the index stays with its old encoder, what was moved is gone."""
        self._check_current()
        from retrievo.migrate.ending import check_undecided, give_up

        check_undecided(self._pipeline)
        self.stop()

        give_up(self._pipeline, self)

    def close(self) -> None:
        """Stop, and free the files of the new index; nothing where the migration is over."""
        if self._pipeline._migration is not self:
            return
        self.stop()
        failed, self._failed = self._failed, None
        if failed is not None:
            tell(f"the migration's thread was ended by {type(failed).__name__}: {failed}")
        self.new.close()


def _counted(
    progress: Callable[[Progress], None] | None, done: int, total: int
) -> Callable[[Progress], None] | None:
    if progress is None:
        return None
    tell = progress
    return lambda one: tell(Progress(done + one.documents, total, one.chunks, "migrate"))


def _name(identity: Mapping[str, Any]) -> str:
    return str(identity.get("model") or identity.get("name"))
