"""The pipeline: read, chunk, encode, store, retrieve, fuse, rerank, in one object."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, Unpack

from retrievo.binding import Binding
from retrievo.config import Config
from retrievo.config.assembly import Assembly
from retrievo.contextualize.contextualized import chunker_of
from retrievo.contextualize.estimate import Estimate
from retrievo.contextualize.limits import check_cost, refusal
from retrievo.contracts import Encoder, Reader, Store
from retrievo.errors import ConfigError
from retrievo.events import StageDone
from retrievo.filters import Filter, as_filter, scoped
from retrievo.hits import Hit, Hits
from retrievo.host import Host
from retrievo.ingest.report import IndexReport, Plan, Progress
from retrievo.ingest.run import Ingest
from retrievo.ingest.sources import Sources, check_ids
from retrievo.migrate.under_way import answering
from retrievo.opening import stored_configuration
from retrievo.passport import Passport
from retrievo.search import checked
from retrievo.search.answering import Answering, Asked
from retrievo.search.explain import DocumentExplanation
from retrievo.search.options import Wanted, options_of, search_table
from retrievo.search.turn import Turn, in_thread
from retrievo.search.why_not import WhyNot
from retrievo.store.locking import ReadWriteLock
from retrievo.telling import collecting, merged
from retrievo.types import TokenScore

if TYPE_CHECKING:
    from retrievo.migrate.migration import Migration

Filters = Filter | str | Mapping[str, Any] | None


class Pipeline:
    """Documents in, the right passages out; every step is a part that can be replaced.

    `Pipeline()` keeps its index in memory; `Pipeline.open(DIR)` on disk. Parts are objects that
    keep the protocols of `retrievo.contracts`; those left out are the defaults. Parts are built on
    first use. A pipeline may be searched from several threads; index from one.
    """

    def __init__(self, *, plugins: Iterable[object] = (), **parts: Any) -> None:
        self._setup(Config.of({}), Host(plugins), parts, None)

    @classmethod
    def open(cls, path: str | Path, *, plugins: Iterable[object] = (), **parts: Any) -> Self:
        """The index in the folder, with the configuration it was made with, or a new default one.

        Parts given by keyword take the place of what the configuration says. Raises StoreError and
        what derives from it, ConfigError where the index was made with an object that is missing.
        """
        host = Host(plugins)
        config, given = stored_configuration(Path(path), host, parts)
        pipeline = cls.__new__(cls)
        pipeline._setup(config, host, given, Path(path))
        return pipeline

    @classmethod
    def from_toml(
        cls,
        path: str | Path,
        *,
        index: str | Path | None = None,
        plugins: Iterable[object] = (),
        **parts: Any,
    ) -> Self:
        """The pipeline of a configuration file (.toml or .json), its index in the folder `index`.

        Everything in the file is checked now, and built on first use. Raises ConfigError.
        """
        host = Host(plugins)
        return cls._of(Config.read(path, host), host, index, parts)

    @classmethod
    def named(
        cls,
        name: str,
        *,
        index: str | Path | None = None,
        plugins: Iterable[object] = (),
        **parts: Any,
    ) -> Self:
        """The pipeline that an installed package offers under the name. Raises UnknownNameError."""
        host = Host(plugins)
        return cls._of(Config.named(name, host), host, index, parts)

    @classmethod
    def _of(
        cls, config: Config, host: Host, index: str | Path | None, parts: Mapping[str, Any]
    ) -> Self:
        pipeline = cls.__new__(cls)
        pipeline._setup(config, host, parts, None if index is None else Path(index))
        # A teacher takes seconds to import, and a student's searches may never need it.
        own = "query_encoder" in config.tables and index is not None and Path(index).exists()
        pipeline._assembly.check(later={"encoder"} if own else ())
        return pipeline

    def _setup(
        self,
        config: Config,
        host: Host,
        parts: Mapping[str, Any],
        index: Path | None,
        *,
        home: Path | None = None,
    ) -> None:
        self.config = config
        self.host = host
        self._index = index
        self._migration: Migration | None = None
        self._given = {name: part for name, part in parts.items() if part is not None}
        self._assembly = Assembly(config, host, given=self._given, index=index)
        self._binding = Binding(self._assembly, config, self._given, home=home)
        self._answers: Answering | None = None
        self._search_defaults = search_table(config.tables, config.source)
        # Held by whoever uses the index; alone by what exchanges it for another.
        self._use = getattr(self, "_use", None) or ReadWriteLock()
        # Held by whoever writes, and by a migration at its end: what is written must not be lost.
        self._writes = getattr(self, "_writes", None) or threading.RLock()
        self._turn = getattr(self, "_turn", None) or threading.RLock()

    @staticmethod
    def part(kind: str, use: str, *, plugins: Iterable[object] = (), **arguments: Any) -> Any:
        """One component by its kind ("encoder", "store", …) and name, built on its own."""
        return Assembly(Config.of({}), Host(plugins)).make(kind, use, **arguments)

    # the index

    @property
    def store(self) -> Store:
        """The store, opened: raises IndexMissingError before anything is indexed."""
        return self._binding.for_reading()

    @property
    def passport(self) -> Passport:
        """What the index was made with."""
        found = self.store.passport()
        assert found is not None
        return found

    def index(
        self,
        sources: Any,
        *,
        tenant: str | None = None,
        delete_missing: bool = False,
        on_error: Literal["raise", "skip"] = "raise",
        progress: Callable[[Progress], None] | None = None,
    ) -> IndexReport:
        """Bring the index up to date with the sources; what did not change is left alone.

        Takes paths of files and folders, Documents, mappings with a text, or an iterable of them.
        Documents that are in the index and not in the sources stay, unless `delete_missing`: then
        those go that came from the folders given, or all others where documents were given.
        With `tenant` the documents are seen by searches of that tenant alone.

        Files that cannot be read are told in the report's warnings. Raises IngestError after the
        run where documents failed, or with `on_error="skip"` only reports them; raises
        MismatchError where the index was made with another encoder or chunker, TenantError where
        it has tenants and none is given, or the other way round.
        """
        if on_error not in ("raise", "skip"):
            raise ConfigError(f"on_error is 'raise' or 'skip', not {on_error!r}")
        given = Sources(sources, self._readers)
        with self._writes, self._use.reading(), collecting() as told:
            store = self._binding.for_writing(tenant)
            part = self._assembly.part
            check_cost(part("contextualizer"), sources, lambda: self._costs(sources, store, tenant))
            ingest = self._ingest(store, tenant)
            report = ingest.run(given, sync=delete_missing, progress=progress)
            self._measure_weights(store)
        report.warnings += [*given.told(), *merged(told)]
        if on_error == "raise":
            report.raise_failures()
        return report

    def plan(
        self, sources: Any, *, tenant: str | None = None, delete_missing: bool = False
    ) -> Plan:
        """What `index` would do with the sources, and what it would cost. Writes nothing."""
        given = Sources(sources, self._readers)
        with self._use.reading(), collecting() as told:
            ingest = self._ingest(self._binding.for_planning(tenant), tenant, planning=True)
            plan = ingest.plan(given, sync=delete_missing)
            refused = refusal(self._assembly.part("contextualizer"), plan.contexts)
        return plan.with_warnings([*given.told(), *merged(told), *refused])

    def delete(self, doc_ids: str | Iterable[str], *, tenant: str | None = None) -> int:
        """How many of the documents were in the index and are gone."""
        with self._writes, self._use.reading():
            store, ids = self._binding.for_reading(tenant), check_ids(doc_ids)
            with self._changing(ids, tenant):
                return store.delete(ids, tenant)

    def _changing(self, doc_ids: Sequence[str], tenant: str | None) -> AbstractContextManager[None]:
        """Around a change of these documents: an index that moves has to move them again."""
        if self._migration is None:
            return nullcontext()
        return self._migration.changing(doc_ids, tenant)

    def _measure_weights(self, store: Store) -> None:
        """Choose the weights of a fusion that has the index choose them."""
        part = self._assembly.part
        fusion = part("fusion")
        if getattr(fusion, "auto", False):
            from retrievo.tune.weights import refresh_weights  # for few pipelines

            refresh_weights(store, part("retrievers"), fusion)

    def _readers(self) -> Mapping[str, Reader]:
        found: Mapping[str, Reader] = self._assembly.part("readers")
        return found

    def _costs(self, sources: Any, store: Store, tenant: str | None) -> Estimate | None:
        given = Sources(sources, self._readers)
        return self._ingest(store, tenant, planning=True).plan(given).contexts

    def _ingest(self, store: Store, tenant: str | None, *, planning: bool = False) -> Ingest:
        part, told = self._assembly.part, self._stage_done if self.host.listening else None
        cutting = chunker_of(part, planning=planning)
        parts = (cutting, part("retrievers"), part("encoder"))
        around = self._changing
        return Ingest(store, *parts, tenant=tenant, around_write=around, stage_done=told)

    # searching

    def search(
        self,
        query: str,
        *,
        top_k: int = 10,
        filters: Filters = None,
        tenant: str | None = None,
        **options: Unpack[Wanted],
    ) -> Hits:
        """At most `top_k` hits, best first.

        `filters` is an expression of F, its text form or its dict form. `tenant` is the scope that
        the documents were indexed with. The other options are those of
        `retrievo.search.options.SearchOptions`; what is left out is as `[search]` of the
        configuration says. A step that fails or is late is told in `warnings`, and the others
        answer; with `strict` it is an error. Raises FilterError, IndexMissingError, MismatchError,
        TenantError, SearchTimeoutError where nothing has come in when the time is up.
        """
        return self.search_batch([query], top_k=top_k, filters=filters, tenant=tenant, **options)[0]

    def search_batch(
        self,
        queries: Iterable[str],
        *,
        top_k: int = 10,
        filters: Filters = None,
        tenant: str | None = None,
        **options: Unpack[Wanted],
    ) -> list[Hits]:
        """Hits for each query, in their order; what `search` says holds for each.

        `timeout_s` is the time of all of them together.
        """
        asked = self._asked(checked(queries, top_k), top_k, filters, tenant, options)
        return self._hits(asked, Turn(asked.options.timeout_s))

    async def asearch(
        self,
        query: str,
        *,
        top_k: int = 10,
        filters: Filters = None,
        tenant: str | None = None,
        **options: Unpack[Wanted],
    ) -> Hits:
        """What `search` gives, without blocking the event loop.

        Branches run side by side: a part that has the async twin of its method in this loop, any
        other in a thread. Where the task is cancelled, so are the twins, and no further step
        begins.
        """
        import asyncio  # a third of what importing a pipeline would cost, for one method

        asked = self._asked(checked([query], top_k), top_k, filters, tenant, options)
        turn = Turn(asked.options.timeout_s, asyncio.get_running_loop())
        found = in_thread("search", lambda: self._hits(asked, turn))
        try:
            return (await asyncio.wrap_future(found))[0]
        except asyncio.CancelledError:
            turn.cancel()
            raise

    def _asked(
        self,
        queries: Sequence[str],
        top_k: int,
        filters: Filters,
        tenant: str | None,
        options: Mapping[str, Any],
    ) -> Asked:
        wanted = options_of(options, self._search_defaults)
        return Asked(queries, int(top_k), scoped(as_filter(filters), tenant), tenant, wanted)

    def _hits(self, asked: Asked, turn: Turn) -> list[Hits]:
        with self._use.reading(), collecting() as told:
            store = self._binding.for_searching(asked.tenant)
            found = self._answering().hits(asked, store, turn)
        for hits in found:
            hits.warnings += merged(told)
        return found

    def explain(
        self, query: str, doc_id: str, *, filters: Filters = None, tenant: str | None = None
    ) -> DocumentExplanation:
        """Where one document stands for a query, and why: per branch, and after fusion."""
        asked = self._asked(checked([query], 1), 1, filters, tenant, {})
        _check_id(doc_id)
        with self._use.reading(), collecting():
            store = self._binding.for_searching(tenant)
            return self._answering().explain(asked, store, doc_id)

    def why_not(
        self,
        query: str,
        doc_id: str,
        *,
        top_k: int = 10,
        filters: Filters = None,
        tenant: str | None = None,
        **options: Unpack[Wanted],
    ) -> WhyNot:
        """The first step that keeps a document from the hits of this search, and by how much.

        Takes what `search` takes. `step` is "found" where it is among the hits.
        """
        asked = self._asked(checked([query], top_k), top_k, filters, tenant, options)
        _check_id(doc_id)
        with self._use.reading(), collecting():
            store = self._binding.for_searching(tenant)
            return self._answering().why_not(asked, store, doc_id)

    def token_scores(self, query: str, hit: Hit, *, branch: str | None = None) -> list[TokenScore]:
        """What each token of the query gave to a hit, and where in its text it was matched.

        Of the retriever `branch`, or of the first that can tell (bm25, late-interaction). The
        scores add up to the branch's score of the hit. Raises ConfigError where none can.
        """
        [given] = checked([query], 1)
        with self._use.reading():
            self._binding.for_reading()
            return self._answering().token_scores(given, hit, branch)

    def _answering(self) -> Answering:
        with self._turn:  # searches run in threads; one of them goes on with a migration
            if self._answers is None:
                part = self._assembly.part
                self._answers = Answering(
                    part,
                    lambda: answering(self, part("retrievers")),
                    self._stage_done if self.host.listening else None,
                )
            return self._answers

    def _stage_done(self, stage: str, seconds: float, count: int, **detail: Any) -> None:
        self.host.stage_done(StageDone(stage, seconds, count, detail))

    # moving to another encoder

    def migrate(
        self,
        encoder: Encoder | Mapping[str, Any] | None = None,
        *,
        answers: Literal["mapped", "old"] = "mapped",
        recut: bool = False,
        sample: int = 2000,
        with_old: bool | None = None,
        min_share: float = 0.95,
        force: bool = False,
        seed: int = 0,
        progress: Callable[[Progress], None] | None = None,
    ) -> "Migration":
        """The migration of this index to another encoder, begun; the pipeline goes on answering.

        `encoder` is an encoder or its table, and may be left out to go on with a migration that is
        under way. With "mapped" queries are encoded by the new encoder at once: `sample` texts are
        encoded by both, and a map between their spaces is chosen by what it is worth on held-out
        ones. `with_old` asks the old encoder beside it meanwhile; None does where it is cheap.
        Raises MismatchError where the map keeps less than `min_share` of the old encoder's own
        nDCG@10, unless `force`. With "old" the old encoder answers until all is encoded anew; with
        `recut` too, documents come from sources that `finish` is given, and are cut anew.
        """
        from retrievo.migrate.beginning import begin_or_resume

        options = (answers, recut, sample, with_old, min_share, force, seed)
        return begin_or_resume(self, encoder, *options, progress)

    # the object itself

    def save(self, path: str | Path) -> None:
        """Write the configuration as .toml or .json; parts given as objects cannot be in it."""
        self.config.save(path, objects=sorted(self._given.keys() - {"store"}))

    def close(self) -> None:
        """Free the index for other processes."""
        if self._migration is not None:
            self._migration.close()
        self._binding.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Pipeline of {self.config.source}>"


def _check_id(doc_id: object) -> None:
    if not isinstance(doc_id, str):
        raise TypeError(f"doc_id is {doc_id!r}; the id of one document, a str, is wanted")
