"""What an encoder's argument `cache` takes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from retrievo.errors import ConfigError

Precision = Literal["float32", "int8"]


@dataclass(frozen=True, slots=True)
class VectorCache:
    """Where vectors are kept, in which precision, and how much of the disk they may take.

    `path` is a file, made where there is none, or "auto": a file beside the index, for documents
    only. "int8" takes a quarter of the space; a vector comes back with its length, at a cosine of
    .9995 or more to what it was. One that int8 would change more than that is kept in float32,
    whose numbers come back bit for bit. Beyond `max_mb` (of 10^6 bytes) the least recently used
    vectors go.
    """

    path: str | Path = "auto"
    precision: Precision = "float32"
    max_mb: int = 2_000

    def __post_init__(self) -> None:
        _check_path(self.path)
        if self.precision not in ("float32", "int8"):
            raise ConfigError(f"cache precision is {self.precision!r}; float32 or int8 is wanted")
        if isinstance(self.max_mb, bool) or not isinstance(self.max_mb, int) or self.max_mb < 1:
            raise ConfigError(f"cache max_mb is {self.max_mb!r}; a whole number from 1 is wanted")


CacheSetting = str | Path | VectorCache | None
"""What an encoder's argument `cache` takes: "auto", "off" or None, a path, or a VectorCache."""


def as_vector_cache(setting: CacheSetting) -> VectorCache | None:
    """The setting in full; None where nothing is kept. Raises ConfigError."""
    if setting is None or setting == "off":
        return None
    if isinstance(setting, VectorCache):
        return setting
    return VectorCache(setting)


def _check_path(path: object) -> None:
    if isinstance(path, Path) or path == "auto":
        return
    # A word alone is rather meant to switch something than to name a file.
    if not isinstance(path, str) or not any(mark in path for mark in "./\\"):
        raise ConfigError(
            f"cache is {path!r}; 'auto', 'off' or the path of a file is wanted, "
            "such as './vectors.sqlite'"
        )
