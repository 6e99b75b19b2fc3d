"""What strings in a table stand for: "@encoder" a part, "@@x" the text "@x", "env:X" a variable."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from retrievo.errors import ConfigError
from retrievo.host.nearest import hint, listed

ENV = "env:"
_SECRET = frozenset(
    "key apikey token secret secrets password passwd authorization auth bearer credential "
    "credentials pat".split()
)
_LOGIN = re.compile(r"://[^/@\s]+:[^/@\s]+@|[?&](?:api_?key|token|secret|password)=[^&]+")


def reference(value: object) -> str | None:
    """The part that the value hands over, or None: `encoder` of "@encoder"."""
    if isinstance(value, str) and value.startswith("@") and not value.startswith("@@"):
        return value[1:]
    return None


def variable(value: object) -> str | None:
    """The environment variable that holds the value, or None: `ACME_KEY` of "env:ACME_KEY"."""
    return value[len(ENV) :] if isinstance(value, str) and value.startswith(ENV) else None


def stands_for(value: object) -> bool:
    """Whether the value is, or holds, a string that is not itself what the component gets."""
    if isinstance(value, Mapping):
        return any(stands_for(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(stands_for(item) for item in value)
    return isinstance(value, str) and value.startswith(("@", ENV))


def is_secret(name: str, value: object) -> bool:
    """Whether an argument of that name is a secret that was written out.

    The last word of the name decides: `api_key` and `token` are secrets, `max_tokens` is none; so
    does an address that carries a password or a key.
    """
    if isinstance(value, list):
        return any(is_secret(name, item) for item in value)
    if not isinstance(value, str) or not value or value.startswith(("@", ENV)):
        return False
    named = name.lower().replace("-", "_").rpartition("_")[2] in _SECRET
    return named or _LOGIN.search(value) is not None


def without_secrets(value: Any, mask: str | None) -> Any:
    """A copy of the value with the mask in the place of secrets, or without them for None."""
    if isinstance(value, (list, tuple)):
        return [without_secrets(item, mask) for item in value]
    if not isinstance(value, Mapping):
        return value
    shown: dict[str, Any] = {}
    for name, item in value.items():
        if str(name).lower() == "headers" and isinstance(item, Mapping):
            # Any of them may carry a key: who wants one kept writes "env:NAME".
            written = {key: part for key, part in item.items() if not stands_for(part)}
            kept = {key: part for key, part in item.items() if key not in written}
            shown[name] = kept if mask is None else kept | dict.fromkeys(written, mask)
        elif not is_secret(str(name), item):
            shown[name] = without_secrets(item, mask)
        elif mask is not None:
            shown[name] = mask
    return shown


def references(value: object) -> Iterator[str]:
    """The parts that a value refers to, at any depth."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from references(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from references(item)
    else:
        found = reference(value)
        if found is not None:
            yield found


def fill(value: Any, where: str, part: Callable[[str], Any]) -> Any:
    """The value with references and variables put in, at any depth.

    Raises ConfigError, naming `where` and the variable, for a variable that is not set.
    """
    if isinstance(value, Mapping):
        return {name: fill(item, f"{where}.{name}", part) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)([fill(item, where, part) for item in value])
    if not isinstance(value, str):
        return value
    if value.startswith("@@"):
        return value[1:]
    name = reference(value)
    if name is not None:
        return part(name)
    name = variable(value)
    if name is None:
        return value
    if name not in os.environ:
        raise ConfigError(
            f"{where}: the environment variable {name!r} is not set; export it and run again"
        )
    return os.environ[name]


def check_references(
    tables: Mapping[str, Mapping[str, Any]], given: Iterable[str], source: str
) -> None:
    """Raise ConfigError for a reference to nothing, and for references in a circle.

    `tables` holds the arguments of each part by the part's name; `given` names the parts that are
    objects already.
    """
    known = [*tables, *given]
    for table, arguments in tables.items():
        for key, value in arguments.items():
            for name in references(value):
                if name not in known:
                    raise ConfigError(
                        f"{source}: [{table}] {key} = '@{name}': there is no part {name!r}"
                        f"{hint(name, known)} Known: {listed(known)}"
                    )
    done: set[str] = set()
    for table in tables:
        _walk(table, [], tables, done, source)


def _walk(
    table: str,
    path: list[str],
    tables: Mapping[str, Mapping[str, Any]],
    done: set[str],
    source: str,
) -> None:
    if table in path:
        raise circular([*path[path.index(table) :], table], source)
    if table in done or table not in tables:
        return
    for name in references(tables[table]):
        _walk(name, [*path, table], tables, done, source)
    done.add(table)


def circular(path: list[str], source: str) -> ConfigError:
    """The error that names a circle of parts, each of which needs the next."""
    return ConfigError(
        f"{source}: [{path[0]}] refers to itself: {' -> '.join(path)}; "
        "one of these parts must do without the next"
    )
