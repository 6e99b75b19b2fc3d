"""Builds the parts of a pipeline from its configuration, each on first use."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from retrievo.config import SEVERAL, SINGLE, Config
from retrievo.config.defaults import KIND, PARTS, PartTable, part_tables
from retrievo.config.given import check_given
from retrievo.config.references import check_references, circular, fill, is_secret, variable
from retrievo.errors import ConfigError, PluginError, RetrievoError, UnknownNameError
from retrievo.host import Host
from retrievo.host.loading import not_installed
from retrievo.host.nearest import hint, listed
from retrievo.host.registry import Entry, plural

if TYPE_CHECKING:
    from retrievo.config.signature import Signature


class Assembly:
    """The parts of one pipeline: `part(kind)` builds on first use and keeps what it built.

    `given` holds objects by the place they take (`encoder`, or mappings for `retrievers` and
    `readers`); they win over tables, and None is nothing given. `index` is the folder of the
    store, whose default is `local` with it and `memory` without. `unavailable` names the readers
    that were left out, with the reason. References are checked here, before anything is built:
    raises ConfigError.
    """

    def __init__(
        self,
        config: Config,
        host: Host,
        *,
        given: Mapping[str, object] | None = None,
        index: Path | None = None,
    ) -> None:
        self.config, self.host, self.index = config, host, index
        self.unavailable: dict[str, RetrievoError] = {}
        self._given = _places(given or {})
        self._tables = part_tables(config, host.registry, "memory" if index is None else "local")
        if any(place.startswith("retrievers.") for place in self._given):
            self._replace_retrievers()
        self._built: dict[str, Any] = {}
        self._stand_ins: dict[str, Any] = {}
        self._open: list[str] = []
        self._signatures: dict[tuple[str, str], Signature] = {}
        # Searches run in threads: two of them must not build the same store.
        self._lock = RLock()
        arguments = {
            place: table.arguments
            for place, table in self._tables.items()
            if place not in self._given
        }
        check_references(arguments, self._given, config.source)

    def part(self, name: str) -> Any:
        """The part of a place: `encoder`, `retrievers.dense`; `retrievers` and `readers` as dicts.

        None for an optional part that the configuration does not have. Raises ConfigError,
        PluginError or MissingExtraError where it cannot be built.
        """
        if name == "retrievers":
            return {place.partition(".")[2]: self.part(place) for place in self._places(f"{name}.")}
        if name == "readers":
            return dict(self._readers())
        if name in self._given:
            return self._given[name]
        if name in self._stand_ins:
            return self._stand_ins[name]
        return self._real(name)

    def _real(self, name: str) -> Any:
        with self._lock:
            if name not in self._built:
                if name not in self._tables:
                    if name in SINGLE:
                        return None
                    known = [*self._tables, *self._given]
                    raise ConfigError(f"there is no part {name!r}{hint(name, known)}")
                with self._building(name):
                    self._built[name] = self._build(self._tables[name])
            return self._built[name]

    def built(self, name: str) -> Any:
        """The part, or None where nothing has asked for it yet."""
        return self._given.get(name, self._built.get(name))

    def stand_in(self, name: str, make: Callable[[Callable[[], Any]], Any]) -> None:
        """Have `part` give what `make` makes of a way to build the part, where nothing has it yet.

        Parts that are built later and take this one get the stand-in, too.
        """
        with self._lock:
            if name not in self._given and name not in self._built:
                self._stand_ins.setdefault(name, make(lambda: self._real(name)))

    def adopt(self, name: str, part: Any) -> None:
        """Take a part that another assembly has built from the same table."""
        with self._lock:
            self._built[name] = part

    def check(self, *, later: Collection[str] = ()) -> None:
        """Raise ConfigError for any name, key or type that is wrong; only a fusion is built.

        Modules are imported only of components that a table names. The keys of the parts that are
        for `later` are checked when they are built.
        """
        for place, table in self._tables.items():
            if place in self._given:
                continue
            entry = self._entry(table)
            if not table.default and place not in later:
                signature = self._signature(entry)
                signature.check(table.arguments, self._where(place), self._optional(place))
        fusion: Any = self.part("fusion") if "fusion" in self.config.tables else None
        if hasattr(fusion, "check_branches"):
            names = [place.partition(".")[2] for place in self._places("retrievers.")]
            try:
                fusion.check_branches(names)
            except ConfigError as error:
                raise ConfigError(f"{self.config.source}: {error}") from None

    def check_names(self) -> None:
        """Raise UnknownNameError for a component that is not there, and import nothing."""
        for place, table in self._tables.items():
            if place not in self._given:
                self._entry(table)

    def make(self, kind: str, use: str, **arguments: Any) -> Any:
        """One component by its name, with the pipeline's parts where its constructor takes them.

        Raises what `part` raises.
        """
        entry = self.host.registry.entry(kind, use)
        place = f"{plural(kind)[:-1]} {use!r}"
        return self._construct(entry, arguments, place, f"{place}:")

    def _places(self, start: str) -> list[str]:
        return [
            place
            for place in dict.fromkeys([*self._tables, *self._given])
            if place.startswith(start)
        ]

    def _replace_retrievers(self) -> None:
        given = [place for place in self._given if place.startswith("retrievers.")]
        for place in self._places("retrievers."):
            self._tables.pop(place, None)
        fusion = self._tables.get("fusion")
        if len(given) == 1 and fusion is not None and fusion.default:
            del self._tables["fusion"]

    def _readers(self) -> Iterator[tuple[str, Any]]:
        for place in self._places("readers."):
            name = place.partition(".")[2]
            try:
                yield name, self.part(place)
            except RetrievoError as error:
                # Nobody asked for this one by name: its files are told of, the others are read.
                if not self._tables[place].default:
                    raise
                self.unavailable[name] = error

    @contextmanager
    def _building(self, place: str) -> Iterator[None]:
        if place in self._open:
            path = [*self._open[self._open.index(place) :], place]
            raise circular(path, self.config.source)
        self._open.append(place)
        try:
            yield
        finally:
            self._open.pop()

    def _where(self, place: str) -> str:
        return f"{self.config.source}: [{place}]"

    def _entry(self, table: PartTable) -> Entry:
        try:
            return self.host.registry.entry(table.kind, table.use)
        except UnknownNameError as error:
            said = f"use = {table.use!r}:" if table.named else "has no key 'use', and"
            raise UnknownNameError(f"{self._where(table.place)} {said} {error}") from None
        except PluginError as error:
            raise PluginError(f"{self._where(table.place)} use: {error}") from None

    def _signature(self, entry: Entry) -> "Signature":
        key = (entry.kind, entry.name)
        if key not in self._signatures:
            # Pydantic's models cost a third of the import of everything else; opening an index
            # and handing in objects need none.
            from retrievo.config.signature import read_signature

            target = self.host.registry.resolve(*key)
            self._signatures[key] = read_signature(entry, target)
        return self._signatures[key]

    def _optional(self, place: str) -> frozenset[str]:
        return PARTS | {"path"} if place == "store" and self.index is not None else PARTS

    def _build(self, table: PartTable) -> Any:
        entry = self._entry(table)
        return self._construct(entry, table.arguments, table.place, self._where(table.place))

    def _construct(self, entry: Entry, arguments: Mapping[str, Any], place: str, where: str) -> Any:
        signature = self._signature(entry)
        checked = signature.check(arguments, where, self._optional(place))
        filled = {key: fill(value, f"{where} {key}", self.part) for key, value in checked.items()}
        hidden = [value for key, value in arguments.items() if is_secret(key, value)]
        for key, value in arguments.items():
            name = variable(value)
            if name is not None:
                hidden.append(filled[key])
                filled[key] = signature.convert(key, filled[key], name, where)
        for name in sorted(signature.parts - filled.keys()):
            # An encoder's tokenizer is its own; the pipeline's is for those that cut text, unless
            # they cut it for another encoder.
            if name != "tokenizer" or not (entry.kind == "encoders" or "encoder" in arguments):
                self._inject(name, place, filled)
        if place == "store" and self.index is not None and "path" in signature.types:
            filled.setdefault("path", self.index)
        for name in signature.required:
            if name not in filled:
                raise ConfigError(
                    f"{where} lacks the key {name!r}: the pipeline has no {name} to hand over "
                    f"({entry.title})"
                )
        target = self.host.registry.resolve(entry.kind, entry.name)
        cache = filled.pop("cache", "off") if signature.cached_around else "off"
        try:
            part = target(**filled)
            return part if cache in ("off", None) else _cached(part, cache)
        except ModuleNotFoundError as error:
            raise not_installed(entry, error) from error
        except Exception as error:  # a component's constructor may raise anything
            if isinstance(error, RetrievoError) and type(error) is not ConfigError:
                raise
            said = " ".join(str(error).split())
            if type(error) is not ConfigError:
                said = f"cannot be built: {type(error).__name__}: {said}"
            clean = said
            for secret in hidden:
                clean = clean.replace(secret, "***") if secret else clean
            cause = error if clean == said else None  # the cause would show the secret
            raise ConfigError(f"{where} {clean} ({entry.title})") from cause

    def _inject(self, name: str, place: str, filled: dict[str, Any]) -> None:
        """Hand over the pipeline's own part; a part is never handed to itself."""
        source = "encoder" if name == "tokenizer" else name
        if source == place:
            return
        part = self.part(source)
        if part is None or (name == "tokenizer" and not hasattr(part, "token_spans")):
            return
        filled[name] = part


def _cached(encoder: Any, cache: Any) -> Any:
    from retrievo.encode.cache.cached import CachedEncoder  # most pipelines need none

    return CachedEncoder(encoder, cache)


def _places(given: Mapping[str, object]) -> dict[str, object]:
    """The given objects by place: those of `retrievers` as `retrievers.NAME`."""
    found: dict[str, object] = {}
    for name, value in given.items():
        if name not in KIND:
            raise ConfigError(f"no part named {name!r}{hint(name, KIND)} Known: {listed(KIND)}.")
        if value is None:
            continue
        if name not in SEVERAL:
            check_given(name, value)
            found[name] = value
            continue
        if not isinstance(value, Mapping):
            raise ConfigError(
                f"{name} is a {type(value).__name__}; a mapping of names to {name} is wanted"
            )
        if name == "retrievers" and not value:
            raise ConfigError("retrievers is empty; a mapping of names to retrievers is wanted")
        for sub, part in value.items():
            check_given(f"{name}.{sub}", part)
            found[f"{name}.{sub}"] = part
    return found
