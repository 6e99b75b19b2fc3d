"""Retrievo: documents go in, the right passages come out, and every step between is a plugin.

Public names are imported on first use, so that `import retrievo` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from retrievo.errors import (
        ConfigError,
        DatasetError,
        DocumentError,
        EncoderError,
        FilterError,
        IndexLockedError,
        IndexMissingError,
        IngestError,
        MismatchError,
        MissingExtraError,
        PluginError,
        ReadError,
        RetrievoError,
        RetrievoWarning,
        SearchError,
        SearchTimeoutError,
        StoreError,
        TenantError,
        UnknownNameError,
    )
    from retrievo.filters import F
    from retrievo.hits import Hit, Hits
    from retrievo.hookspecs import hookimpl
    from retrievo.pipeline import Pipeline
    from retrievo.types import Chunk, Document

_HOME = {
    "Pipeline": "retrievo.pipeline",
    "Document": "retrievo.types",
    "Chunk": "retrievo.types",
    "Hit": "retrievo.hits",
    "Hits": "retrievo.hits",
    "F": "retrievo.filters",
    "hookimpl": "retrievo.hookspecs",
    "RetrievoError": "retrievo.errors",
    "ConfigError": "retrievo.errors",
    "UnknownNameError": "retrievo.errors",
    "PluginError": "retrievo.errors",
    "MissingExtraError": "retrievo.errors",
    "DocumentError": "retrievo.errors",
    "ReadError": "retrievo.errors",
    "FilterError": "retrievo.errors",
    "EncoderError": "retrievo.errors",
    "StoreError": "retrievo.errors",
    "IndexMissingError": "retrievo.errors",
    "IndexLockedError": "retrievo.errors",
    "TenantError": "retrievo.errors",
    "MismatchError": "retrievo.errors",
    "SearchError": "retrievo.errors",
    "SearchTimeoutError": "retrievo.errors",
    "IngestError": "retrievo.errors",
    "DatasetError": "retrievo.errors",
    "RetrievoWarning": "retrievo.errors",
}

__all__ = [
    "Pipeline",
    "Document",
    "Chunk",
    "Hit",
    "Hits",
    "F",
    "hookimpl",
    "RetrievoError",
    "ConfigError",
    "UnknownNameError",
    "PluginError",
    "MissingExtraError",
    "DocumentError",
    "ReadError",
    "FilterError",
    "EncoderError",
    "StoreError",
    "IndexMissingError",
    "IndexLockedError",
    "TenantError",
    "MismatchError",
    "SearchError",
    "SearchTimeoutError",
    "IngestError",
    "DatasetError",
    "RetrievoWarning",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'retrievo' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
