"""Every error that Retrievo raises.

RetrievoError
├── ConfigError(ValueError)            a configuration that cannot be built
│   └── UnknownNameError(KeyError)     no component of that kind has that name
├── PluginError(RuntimeError)          a plugin that cannot be loaded
│   └── MissingExtraError(ImportError) a dependency that an extra would bring
├── DocumentError(ValueError)          a document that cannot be indexed
├── ReadError(OSError)                 a file that cannot be read as documents
├── FilterError(ValueError)            a filter that says nothing clear
├── EncoderError(RuntimeError)         an encoder that gave no usable vectors
├── StoreError(RuntimeError)           an index that cannot be opened, read or written
│   ├── IndexMissingError(FileNotFoundError)
│   ├── IndexLockedError               another process holds the index
│   ├── TenantError(ValueError)        a tenant is wanted, or is not, or can be none
│   └── MismatchError(ValueError)      the index was made with something else
├── SearchError(RuntimeError)          a step of a search failed
│   └── SearchTimeoutError(TimeoutError)
├── IngestError                        some documents failed; the others are in
└── DatasetError(ValueError)           a test collection that cannot be read

RetrievoWarning(UserWarning)           something was done that the caller may not expect
"""

from collections.abc import Sequence


class RetrievoError(Exception):
    """The root of all errors raised on purpose."""


class ConfigError(RetrievoError, ValueError):
    """A configuration names something that is not there or has the wrong type."""


class UnknownNameError(ConfigError, KeyError):
    """No component of the kind is registered under the name."""

    def __str__(self) -> str:
        # KeyError shows the repr of its argument; the message is meant for people.
        return str(self.args[0]) if self.args else ""


class PluginError(RetrievoError, RuntimeError):
    """A plugin raised while it was loaded or registered."""


class MissingExtraError(PluginError, ImportError):
    """A component needs a distribution that is not installed; the message holds the pip line."""


class DocumentError(RetrievoError, ValueError):
    """A document is not of a form that can be indexed."""


class ReadError(RetrievoError, OSError):
    """A file cannot be read as documents."""


class FilterError(RetrievoError, ValueError):
    """A filter expression is malformed or compares what cannot be compared."""


class EncoderError(RetrievoError, RuntimeError):
    """An encoder failed, or gave vectors of the wrong shape or with non-finite numbers.

    `texts` holds the places, in the call, of the texts that are to blame: an ingest sets their
    documents aside and goes on. Without any the encoder itself is, and the ingest stops.
    `reasons` says of each of `texts` what is wrong with it, where the message is about them all.
    """

    def __init__(
        self, message: str, *, texts: Sequence[int] = (), reasons: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.texts = tuple(texts)
        self.reasons = tuple(reasons)


class StoreError(RetrievoError, RuntimeError):
    """An index cannot be opened, read or written."""


class IndexMissingError(StoreError, FileNotFoundError):
    """There is no index at the path."""


class IndexLockedError(StoreError):
    """Another process holds the index."""


class TenantError(StoreError, ValueError):
    """An index that keeps tenants apart is asked without one, or one that does not with one."""


class MismatchError(StoreError, ValueError):
    """The index was made with another encoder, chunker or format."""


class SearchError(RetrievoError, RuntimeError):
    """A retriever, a reranker or an expander could not do its part of a search."""


class SearchTimeoutError(SearchError, TimeoutError):
    """Nothing to answer with was there when the time of a search was up."""


class IngestError(RetrievoError):
    """Some documents could not be indexed; `failures` names each, `report` says what is in."""

    def __init__(
        self, message: str, failures: Sequence[object] = (), report: object = None
    ) -> None:
        super().__init__(message)
        self.failures = tuple(failures)
        self.report = report


class DatasetError(RetrievoError, ValueError):
    """A test collection is missing files or holds malformed lines."""


class RetrievoWarning(UserWarning):
    """Something was done that the caller may not expect: text cut, a file skipped, a fallback."""
