"""Assemblies of fakes, and the message of what they raise."""

import pytest

from retrievo.config import Config
from retrievo.config.assembly import Assembly
from retrievo.errors import (
    ConfigError,
)

FAKE = {
    "chunker": {"use": "fake-chunker"},
    "encoder": {"use": "fake-encoder"},
    "store": {"use": "fake-store"},
    "retrievers": {"one": {"use": "fake-retriever"}, "two": {"use": "fake-retriever"}},
    "fusion": {"use": "fake-fusion"},
}


def assembled(host, tables=None, *, given=None, index=None, **more):
    config = Config.of({**FAKE, **(tables or {}), **more}, source="p.toml")
    return Assembly(config, host, given=given, index=index)


def message(function, *arguments, kind=ConfigError):
    with pytest.raises(kind) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)
