"""Finds plugins, lets each register what it offers, and sets aside those that fail."""

import os
import traceback
from collections.abc import Iterable, Mapping
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pluggy

from retrievo import __version__, builtin, hookspecs
from retrievo.errors import ConfigError, PluginError, RetrievoError
from retrievo.events import StageDone
from retrievo.host.nearest import nearest
from retrievo.host.registry import BUILTIN, KINDS, Broken, Registry

GROUP = "retrievo"
HOOKS = frozenset(name for name in vars(hookspecs) if name.startswith("retrievo_"))


class Host:
    """The plugins of one pipeline: the built-ins, what is installed, and those handed in.

    `plugins` are modules or objects with hook implementations. `block` names the plugins to leave
    out; without it, the environment variable RETRIEVO_BLOCK does (names with commas between).
    A plugin that fails is kept in `registry.broken`, and the others live.
    """

    def __init__(self, plugins: Iterable[object] = (), block: Iterable[str] | None = None) -> None:
        self.registry = Registry()
        self._manager = pluggy.PluginManager("retrievo")
        self._manager.add_hookspecs(hookspecs)
        names = os.environ.get("RETRIEVO_BLOCK", "").split(",") if block is None else block
        self._block = {name.strip() for name in names}
        # By hand and first, so that it is there in a checkout without metadata as well.
        if self._allowed(BUILTIN):
            self._add(builtin, BUILTIN, "retrievo", __version__)
        self._load_installed()
        for plugin in plugins:
            if not self._manager.is_registered(plugin):
                self._add(plugin, self._own_name(plugin), None, None)

    @property
    def hook(self) -> Any:
        """The hooks of all plugins, to be called with keywords."""
        return self._manager.hook

    @property
    def listening(self) -> bool:
        """Whether some plugin wants to hear of steps that have ended."""
        return bool(self.hook.retrievo_stage_done.get_hookimpls())

    def stage_done(self, event: StageDone) -> None:
        """Tell those who listen. Raises PluginError, naming them, where one of them raises."""
        try:
            self.hook.retrievo_stage_done(event=event)
        except Exception as error:  # a listener may raise anything
            listeners = self.hook.retrievo_stage_done.get_hookimpls()
            names = ", ".join(sorted(impl.plugin_name for impl in listeners))
            raise PluginError(
                f"a listener of retrievo_stage_done raised {type(error).__name__}: {error}; "
                f"listening: {names}"
            ) from error

    def read_config(self, path: Path) -> Mapping[str, Any]:
        """The tables of a configuration file.

        Raises ConfigError where no plugin reads such a file, or where the file is malformed.
        """
        try:
            tables = self.hook.retrievo_read_config(path=path)
        except RetrievoError:
            raise
        except Exception as error:  # a reader of another format may raise anything
            raise ConfigError(f"{path}: {type(error).__name__}: {error}") from error
        if tables is None:
            raise ConfigError(
                f"{path}: no plugin reads {path.suffix or 'a file without a suffix'!r}; "
                ".toml and .json are built in"
            )
        if not isinstance(tables, Mapping):
            raise ConfigError(f"{path}: found a {type(tables).__name__}, tables are wanted")
        return tables

    def _allowed(self, name: str) -> bool:
        if name in self._block:
            self.registry.blocked.append(name)
            return False
        return True

    def _own_name(self, plugin: object) -> str:
        name = str(getattr(plugin, "__name__", type(plugin).__name__))
        free = (name if number == 1 else f"{name}-{number}" for number in count(1))
        return next(one for one in free if not self._manager.has_plugin(one))

    def _load_installed(self) -> None:
        from importlib.metadata import entry_points  # pulls in email and zipfile

        for point in entry_points(group=GROUP):
            if point.value == builtin.__name__ or not self._allowed(point.name):
                continue
            distribution, version = None, None
            try:
                if point.dist:
                    distribution, version = point.dist.name, point.dist.version
                plugin = point.load()
            # A plugin may raise anything while it is imported, even sys.exit.
            except (Exception, SystemExit) as error:
                self._set_aside(point.name, distribution, version, error)
                continue
            self._add(plugin, point.name, distribution, version)

    def _add(
        self, plugin: object, name: str, distribution: str | None, version: str | None
    ) -> None:
        """Register the plugin and what it offers, or set it aside whole."""
        try:
            if self._manager.has_plugin(name):
                raise PluginError(f"another plugin has the name {name!r} already")
            if self._manager.is_registered(plugin):
                known = self._manager.get_name(plugin)
                raise PluginError(f"it is loaded already, as {known!r}")
            hash(plugin)  # pluggy keeps plugins in sets; better this one fails than the others
            try:
                self._manager.register(plugin, name=name)
                self._manager.check_pending()
                self._collect(plugin, name, distribution, version)
            except BaseException:
                self._manager.unregister(name=name)
                self.registry.withdraw(name)
                raise
        except (Exception, SystemExit) as error:  # as above: one plugin must not stop the others
            problem: BaseException = error
            if isinstance(error, pluggy.PluginValidationError):
                problem = _misspelt(self._manager, plugin) or error
            self._set_aside(name, distribution, version, problem)

    def _collect(
        self, plugin: object, name: str, distribution: str | None, version: str | None
    ) -> None:
        others = [other for other in self._manager.get_plugins() if other is not plugin]
        callers = self._manager.get_hookcallers(plugin) or ()
        found = {caller.name for caller in callers}
        for hook in HOOKS - found:
            if callable(getattr(plugin, hook, None)):
                raise PluginError(f"its {hook} is not marked with @hookimpl")
        if not found:
            raise PluginError(f"it implements no hook; known: {', '.join(sorted(HOOKS))}")
        for hook in [caller.name for caller in callers]:
            kind = hook.removeprefix("retrievo_register_")
            if kind in KINDS:
                register = partial(
                    self.registry.register,
                    kind,
                    plugin=name,
                    distribution=distribution,
                    version=version,
                )
                self._manager.subset_hook_caller(hook, others)(register=register)

    def _set_aside(
        self, name: str, distribution: str | None, version: str | None, error: BaseException
    ) -> None:
        said = " ".join(str(error).split())
        if not isinstance(error, (ImportError, RetrievoError)) or not said:
            said = f"{type(error).__name__}: {said}" if said else type(error).__name__
        trace = "".join(traceback.format_exception(error))
        self.registry.broken.append(Broken(name, distribution, version, said, trace))


def _misspelt(manager: pluggy.PluginManager, plugin: object) -> PluginError | None:
    """What pluggy's check_pending found, with the nearest right name."""
    for name in dir(plugin):
        marked = manager.parse_hookimpl_opts(plugin, name)
        hook = (marked.get("specname") or name) if marked else None
        if marked and hook and hook not in HOOKS and not marked.get("optionalhook"):
            right = nearest(hook, HOOKS)
            meant = (
                f"; did you mean {right!r}?" if right else f"; known: {', '.join(sorted(HOOKS))}"
            )
            return PluginError(f"there is no hook {hook!r}{meant}")
    return None
