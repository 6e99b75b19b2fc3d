"""The tables that a pipeline is built from: read, checked in their form, kept, and saved."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrievo.config.references import is_secret, without_secrets
from retrievo.errors import ConfigError, PluginError, RetrievoError, RetrievoWarning
from retrievo.host.nearest import hint, listed

if TYPE_CHECKING:
    from retrievo.host import Host
    from retrievo.host.registry import Entry

FORMAT = 1
SINGLE = (
    "chunker",
    "contextualizer",
    "encoder",
    "query_encoder",
    "store",
    "fusion",
    "reranker",
    "expander",
)
SEVERAL = ("retrievers", "readers")
TABLES = ("format", *SINGLE, *SEVERAL, "search")


@dataclass(frozen=True)
class Config:
    """Tables exactly as they were given, and where they came from, for messages."""

    tables: dict[str, Any]
    source: str = "configuration"

    def __repr__(self) -> str:
        return f"Config({self.masked()!r}, {self.source!r})"

    @classmethod
    def of(cls, mapping: Mapping[str, Any], source: str = "configuration") -> "Config":
        """The configuration of a mapping of tables, which is copied.

        Raises ConfigError for an unknown table or format and for what is not a table. Warns of
        secrets that are written out.
        """
        try:
            tables = _copy(mapping)
        except RecursionError:
            raise ConfigError(f"{source}: its tables are nested too deep") from None
        form = tables.get("format", FORMAT)
        if type(form) is not int or form != FORMAT:
            raise ConfigError(
                f"{source}: format = {form!r}, this Retrievo reads format {FORMAT}; "
                "write the tables anew in this format, or install the version that wrote them"
            )
        for name, value in tables.items():
            if name not in TABLES:
                what = f"the table [{name}]" if isinstance(value, dict) else f"the key {name!r}"
                raise ConfigError(
                    f"{source}: there is no place for {what}{hint(str(name), TABLES)} "
                    f"Known: {listed(TABLES)}"
                )
            _check_form(name, value, source)
        config = cls(tables, source)
        for table, key in config._secrets():
            warnings.warn(
                f"{source}: [{table}] {key} is a secret that is written out; "
                f'put it into the environment and write {key} = "env:NAME"',
                RetrievoWarning,
                stacklevel=2,
            )
        return config

    @classmethod
    def read(cls, path: str | Path, host: "Host") -> "Config":
        """The configuration of a file. Raises ConfigError where it is missing or malformed."""
        path = Path(path)
        if not path.is_file():
            found = "is a folder" if path.is_dir() else "is not there"
            raise ConfigError(f"the configuration {path} {found}; `retrievo init` writes one")
        return cls.of(host.read_config(path), source=str(path))

    @classmethod
    def named(cls, name: str, host: "Host") -> "Config":
        """The configuration that a plugin offers under a name. Raises UnknownNameError."""
        entry = host.registry.entry("pipelines", name)
        return cls.of(_tables_of(entry, host), source=f"pipeline {name!r} of {entry.origin}")

    def save(self, path: str | Path, *, objects: Sequence[str] = ()) -> None:
        """Write the tables as .toml or .json.

        Raises ConfigError where a secret is written out in them: it would be in the file. `objects`
        names parts that no table has.
        """
        if objects:
            raise ConfigError(
                f"{path} is not written: {', '.join(objects)} were given as objects; register them "
                "in a plugin and name them in a table"
            )
        for table, key in self._secrets():
            raise ConfigError(
                f"{path} is not written: [{table}] {key} is a secret, and secrets are not saved; "
                f'put it into the environment and set {key} = "env:NAME"'
            )
        from retrievo.config.files import write_tables  # most pipelines are never saved

        write_tables(Path(path), {"format": FORMAT, **self.tables})

    def masked(self) -> dict[str, Any]:
        """The tables for people to see, with `***` in the place of secrets."""
        shown: dict[str, Any] = without_secrets(self.tables, "***")
        return shown

    def without_secrets(self) -> dict[str, Any]:
        """The tables for an index to keep: secrets that are written out are left out."""
        kept: dict[str, Any] = without_secrets(self.tables, None)
        return kept

    def _secrets(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for name, table in self.tables.items():
            if name in SEVERAL:
                for sub, arguments in table.items():
                    found += [(f"{name}.{sub}", key) for key in _secret_keys(arguments)]
            elif isinstance(table, dict):
                found += [(name, key) for key in _secret_keys(table)]
        return found


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _copy(item) for name, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _secret_keys(table: Mapping[str, Any], within: str = "") -> list[str]:
    found: list[str] = []
    for key, value in table.items():
        if isinstance(value, Mapping):
            found += _secret_keys(value, f"{within}{key}.")
        elif is_secret(str(key), value):
            found.append(f"{within}{key}")
    return found


def _check_form(name: str, value: object, source: str) -> None:
    if name == "format":
        return
    if not isinstance(value, dict):
        raise ConfigError(f"{source}: {name} = {value!r}: a table [{name}] is wanted")
    inner = value.items() if name in SEVERAL else [(None, value)]
    for sub, table in inner:
        where = f"{name}.{sub}" if sub is not None else name
        if not isinstance(table, dict):
            raise ConfigError(
                f"{source}: [{name}] {sub} = {table!r}: "
                f"[{name}] holds a table for each of its parts, such as [{name}.NAME]"
            )
        use = table.get("use", "")
        if not isinstance(use, str):
            raise ConfigError(f"{source}: [{where}] use: found {use!r}, wanted a name")
    if name == "retrievers" and not value:
        raise ConfigError(
            f"{source}: [retrievers] is empty; leave it out for dense and bm25, or name one"
        )


def _tables_of(entry: "Entry", host: "Host") -> Mapping[str, Any]:
    target = entry.target
    try:
        if isinstance(target, str):
            package, _, name = target.partition(":")
            with as_file(files(package) / name) as path:
                if not path.is_file():
                    raise PluginError(f"{entry.title}: there is no file {name!r} in {package}")
                return host.read_config(path)
        tables = target() if callable(target) else target
    except RetrievoError:
        raise
    except Exception as error:  # a plugin's code may raise anything
        raise PluginError(
            f"{entry.title} cannot be made: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(tables, Mapping):
        raise PluginError(f"{entry.title} gave a {type(tables).__name__}, tables are wanted")
    return tables
