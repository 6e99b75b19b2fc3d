"""The hooks that a plugin may implement.

Hooks register factories and tell of events; nothing is called through them an item at a time.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import pluggy

from retrievo.events import StageDone

hookspec = pluggy.HookspecMarker("retrievo")
hookimpl = pluggy.HookimplMarker("retrievo")

Target = str | Callable[..., Any] | Mapping[str, Any]
"""`"package.module:Name"` or a callable; for a pipeline its tables or `"package:file.toml"`."""


class Register(Protocol):
    """What a plugin is handed to offer its components with; it knows which plugin it serves."""

    def __call__(self, name: str, target: Target, *, extra: str | None = None) -> None:
        """Offer `target` as `name`, which is what a configuration calls it.

        `name` is lower-case words joined by '-'. `target` is `"package.module:Name"`, imported on
        first use, or a callable. `extra` names the extra of the plugin's own distribution that
        brings what the target imports. Raises PluginError for a malformed name or target, and
        where this plugin has offered the name before.
        """
        ...


@hookspec
def retrievo_register_readers(register: Register) -> None:
    """Offer readers, which make documents of files."""


@hookspec
def retrievo_register_chunkers(register: Register) -> None:
    """Offer chunkers, which cut documents."""


@hookspec
def retrievo_register_contextualizers(register: Register) -> None:
    """Offer contextualizers, which write what is indexed beside a chunk's text."""


@hookspec
def retrievo_register_encoders(register: Register) -> None:
    """Offer encoders, which turn texts into vectors."""


@hookspec
def retrievo_register_stores(register: Register) -> None:
    """Offer stores, which keep chunks and their vectors."""


@hookspec
def retrievo_register_retrievers(register: Register) -> None:
    """Offer retrievers, the branches of a search."""


@hookspec
def retrievo_register_fusions(register: Register) -> None:
    """Offer fusions, which make one ranking of several."""


@hookspec
def retrievo_register_rerankers(register: Register) -> None:
    """Offer rerankers, which read query and chunk together."""


@hookspec
def retrievo_register_expanders(register: Register) -> None:
    """Offer expanders, which make more queries of one."""


@hookspec
def retrievo_register_pipelines(register: Register) -> None:
    """Offer named configurations: tables, `"package:file.toml"`, or a callable that gives them."""


@hookspec(firstresult=True)
def retrievo_read_config(path: Path) -> Mapping[str, Any] | None:
    """The tables of a configuration file, or None where the file's form is another plugin's.

    Raises ConfigError, naming file and line, for a file of its form that is malformed.
    """


@hookspec
def retrievo_stage_done(event: StageDone) -> None:
    """Hear of a step that has ended. Called only where some plugin listens; changes nothing."""
