"""Imports what an entry names, and says in one line why that failed."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from retrievo.errors import MissingExtraError, PluginError, RetrievoError

if TYPE_CHECKING:
    from retrievo.host.registry import Entry


def load(entry: "Entry") -> Any:
    """The class or callable that the entry stands for.

    Raises MissingExtraError where a dependency is not installed, PluginError for anything else
    that goes wrong in the import.
    """
    if not isinstance(entry.target, str):
        return entry.target
    module, _, path = entry.target.partition(":")
    try:
        found: Any = import_module(module)
    except RetrievoError:
        raise
    except ModuleNotFoundError as error:
        raise not_installed(entry, error) from error
    except Exception as error:  # a plugin's module may raise anything while it is imported
        raise PluginError(
            f"{entry.title} cannot be imported: {module} raised {type(error).__name__}: {error}"
        ) from error
    for name in path.split("."):
        if not hasattr(found, name):
            raise PluginError(
                f"{entry.title} cannot be imported: {module} has no {path!r}; "
                "the plugin's register call names something else than its module holds"
            )
        found = getattr(found, name)
    if not callable(found):
        raise PluginError(
            f"{entry.title} is a {type(found).__name__} at {entry.target}; "
            "a class or another callable is wanted"
        )
    return found


def not_installed(entry: "Entry", error: ModuleNotFoundError) -> PluginError:
    """MissingExtraError with the pip line, or PluginError where the missing module is its own."""
    missing = error.name or str(error)
    top = missing.partition(".")[0]
    own = entry.target.partition(":")[0].partition(".")[0] if isinstance(entry.target, str) else ""
    if top in (own, "retrievo"):
        return PluginError(
            f"{entry.title} cannot be imported: there is no module {missing!r}; "
            f"the plugin is incomplete or of another version than Retrievo"
        )
    from retrievo.host.extras import pip_line  # reads metadata: only failures pay

    line = pip_line(entry)
    step = f"run: {line}" if line else "install the distribution that brings it"
    found = MissingExtraError(f"{entry.title} needs {missing!r}, which is not installed; {step}")
    found.name = missing
    return found
