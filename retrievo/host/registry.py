"""Which component has which name, and which plugin it came from."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from retrievo.errors import ConfigError, PluginError, UnknownNameError
from retrievo.hookspecs import Target
from retrievo.host.loading import load
from retrievo.host.nearest import hint, listed

KINDS = (
    "readers",
    "chunkers",
    "contextualizers",
    "encoders",
    "stores",
    "retrievers",
    "fusions",
    "rerankers",
    "expanders",
    "pipelines",
)
BUILTIN = "builtin"

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_OBJECT = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_FILE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[^:]*[^:/]")


def origin(plugin: str, distribution: str | None, version: str | None) -> str:
    """A plugin as messages name it: `acme (retrievo-acme 0.1.0)`."""
    return f"{plugin} ({distribution} {version})" if distribution else plugin


@dataclass(frozen=True, slots=True)
class Entry:
    """A component that can be asked for by name, and where it comes from.

    `distribution` and `version` are None for a plugin object that was handed in.
    """

    kind: str
    name: str
    target: Target
    extra: str | None
    plugin: str
    distribution: str | None = None
    version: str | None = None

    @property
    def origin(self) -> str:
        return origin(self.plugin, self.distribution, self.version)

    @property
    def title(self) -> str:
        """The component as messages name it: `the encoder 'acme' of acme (retrievo-acme 0.1.0)`."""
        return f"the {self.kind[:-1]} {self.name!r} of {self.origin}"


@dataclass(frozen=True, slots=True)
class Broken:
    """A plugin that was set aside: why in one line, and the traceback."""

    plugin: str
    distribution: str | None
    version: str | None
    reason: str
    traceback: str

    @property
    def origin(self) -> str:
        return origin(self.plugin, self.distribution, self.version)


@dataclass(frozen=True, slots=True)
class Clash:
    """A name that several plugins registered for one kind.

    `kept` is the built-in component of that name; without one, nobody has the name.
    """

    entries: tuple[Entry, ...]
    kept: Entry | None

    def __str__(self) -> str:
        first, *others = self.entries
        names = " and ".join(entry.origin for entry in self.entries)
        blocked = ",".join(entry.plugin for entry in others)
        said = f"the {first.kind[:-1]} {first.name!r} is registered by {names}"
        if self.kept is not None:
            return f"{said}; the built-in one is used, a plugin needs a name of its own"
        return f"{said}; uninstall one of them, or set RETRIEVO_BLOCK={blocked}"


class Registry:
    """The components of one host.

    `broken` holds the plugins that were set aside, `blocked` those that RETRIEVO_BLOCK names.
    """

    def __init__(self) -> None:
        self.broken: list[Broken] = []
        self.blocked: list[str] = []
        self._claims: dict[tuple[str, str], list[Entry]] = {}
        self._loaded: dict[tuple[str, str], Any] = {}

    def register(
        self,
        kind: str,
        name: str,
        target: Target,
        *,
        extra: str | None = None,
        plugin: str,
        distribution: str | None = None,
        version: str | None = None,
    ) -> None:
        """Note what a plugin offers.

        Raises PluginError for a malformed name or target, and for a name that this plugin has
        offered before. A name that two plugins offer is a clash: see `entry`.
        """
        said = f"plugin {origin(plugin, distribution, version)}: the {kind[:-1]}"
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise PluginError(
                f"{said} name {name!r} is malformed; lower-case words joined by '-' are wanted"
            )
        if not _well_formed(kind, target):
            wanted = "'package.module:Name' or a callable"
            if kind == "pipelines":
                wanted = "a mapping of tables, 'package:file.toml' or a callable"
            raise PluginError(f"{said} {name!r} has the target {target!r}; {wanted} is wanted")
        if extra is not None and (not isinstance(extra, str) or not extra):
            raise PluginError(f"{said} {name!r} has the extra {extra!r}; a name or None is wanted")
        claims = self._claims.setdefault((kind, name), [])
        if any(entry.plugin == plugin for entry in claims):
            raise PluginError(f"{said} {name!r} is registered twice by this plugin")
        claims.append(Entry(kind, name, target, extra, plugin, distribution, version))

    def withdraw(self, plugin: str) -> None:
        """Forget all that the plugin has registered."""
        for key, claims in list(self._claims.items()):
            claims[:] = [entry for entry in claims if entry.plugin != plugin]
            if not claims:
                del self._claims[key]

    def clashes(self) -> list[Clash]:
        """The names that several plugins registered for one kind."""
        return [
            Clash(tuple(claims), _owner(claims))
            for claims in self._claims.values()
            if len(claims) > 1
        ]

    def entries(self) -> list[Entry]:
        """All components that can be asked for, by kind and name."""
        owners = [owner for claims in self._claims.values() if (owner := _owner(claims))]
        return sorted(owners, key=lambda entry: (KINDS.index(entry.kind), entry.name))

    def names(self, kind: str) -> list[str]:
        """The names of a kind that can be asked for, in the order of the alphabet."""
        kind = plural(kind)
        return sorted(
            name for (of, name), claims in self._claims.items() if of == kind and _owner(claims)
        )

    def entry(self, kind: str, name: str) -> Entry:
        """What is registered under the name; `kind` may be in the singular.

        Raises UnknownNameError where it is nothing, PluginError where two plugins claim the name.
        """
        kind = plural(kind)
        claims = self._claims.get((kind, name))
        if claims:
            owner = _owner(claims)
            if owner is None:
                raise PluginError(str(Clash(tuple(claims), None)))
            return owner
        known = self.names(kind)
        message = f"no {kind[:-1]} named {name!r}{hint(name, known)} Known: {listed(known)}."
        aside = [f"{broken.origin}: {broken.reason}" for broken in self.broken]
        aside += [f"{plugin}: blocked by RETRIEVO_BLOCK" for plugin in self.blocked]
        if aside:
            message += f" Not loaded: {'; '.join(aside)}"
        raise UnknownNameError(message)

    def resolve(self, kind: str, name: str) -> Any:
        """The class or callable of the name, imported on first use; not for pipelines.

        Raises what `entry` raises, MissingExtraError with the pip line where a dependency is not
        installed, and PluginError where the import fails otherwise.
        """
        key = (plural(kind), name)
        if key not in self._loaded:
            self._loaded[key] = load(self.entry(kind, name))
        return self._loaded[key]

    def available(self, entry: Entry) -> tuple[bool, str | None]:
        """Whether the entry's dependencies are installed, and which are not; imports nothing."""
        from retrievo.host.extras import available  # reads metadata: only those who ask pay

        return available(entry)


def plural(kind: str) -> str:
    """The kind as the registry names it: `encoders` of `encoder` or `encoders`.

    Raises ConfigError for a kind that is none.
    """
    name = kind if kind in KINDS else f"{kind}s"
    if name not in KINDS:
        raise ConfigError(
            f"no kind of component named {kind!r}{hint(kind, KINDS)} Known: {listed(KINDS)}"
        )
    return name


def _owner(claims: list[Entry]) -> Entry | None:
    # The built-in plugin registers first. It keeps its names: another meaning of `static` would
    # change what every stored configuration says.
    return claims[0] if len(claims) == 1 or claims[0].plugin == BUILTIN else None


def _well_formed(kind: str, target: object) -> bool:
    if callable(target):
        return True
    if kind == "pipelines":
        return isinstance(target, Mapping) or (
            isinstance(target, str) and _FILE.fullmatch(target) is not None
        )
    return isinstance(target, str) and _OBJECT.fullmatch(target) is not None
