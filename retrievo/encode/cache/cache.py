"""Vectors that were made before, found again by the content of their texts."""

import threading
from collections.abc import Callable, Sequence
from hashlib import blake2b
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from retrievo.encode.cache.packing import Entry, as_kept, pack, unpack
from retrievo.encode.cache.setting import CacheSetting, VectorCache, as_vector_cache
from retrievo.encode.encoded import Encoded, Side
from retrievo.errors import ConfigError, EncoderError
from retrievo.telling import tell

if TYPE_CHECKING:
    from retrievo.encode.cache.vector_file import VectorFile

TEXTS_AT_ONCE = 8_192
"""Texts that are made and written together: enough to sort by length, little to lose in a crash."""

_FORMAT = 1
"""Part of each key: a change of what is kept under a key makes the old entries unreachable."""


class Cache:
    """What an encoder holds to find vectors again that it has made before.

    "off" and None keep nothing. A path keeps queries and documents; raises ConfigError where it
    cannot be used. "auto" keeps documents, from when a pipeline that writes an index on this
    machine says where that is. What goes wrong later is told once, and the encoder goes on without.
    """

    def __init__(self, setting: CacheSetting) -> None:
        self._settings = as_vector_cache(setting)
        self._file: VectorFile | None = None
        self._may_write = True
        self._turn = threading.Lock()
        self.hits = 0
        """Texts whose vectors were found, since the encoder was made."""
        self.misses = 0
        """Texts that were looked for and not found."""
        if self._settings is not None and self._settings.path != "auto":
            path = Path(self._settings.path).expanduser()
            self._file = _file(path, self._settings)
            try:
                self._file.open()
            except OSError as error:
                raise ConfigError(
                    f"the vector cache {path} cannot be used: {error}; name another file, "
                    "or set cache = 'off'"
                ) from error

    @property
    def path(self) -> Path | None:
        """The file that the vectors are in; None where none are kept."""
        return None if self._file is None else self._file.path

    def beside(self, index: str | Path) -> None:
        """An "auto" cache keeps its vectors beside this folder of an index from now on.

        The file of `DIR` is `DIR.cache.sqlite`, and is made when there is a vector to keep. Other
        settings stay as they are.
        """
        if self._settings is None or self._settings.path != "auto":
            return
        folder = Path(index).resolve()
        path = folder.with_name(f"{folder.name}.cache.sqlite") if folder.name else None
        with self._turn:
            self._may_write = True
            if path is None or (self._file is not None and self._file.path == path):
                return
            if self._file is not None:
                self._file.close()
            self._file = _file(path, self._settings)

    def keeps(self, side: Side) -> bool:
        """Whether texts of that side are looked for."""
        if self._settings is None or self._file is None:
            return False
        return side == "document" or self._settings.path != "auto"

    def encode(
        self,
        texts: Sequence[str],
        *,
        side: Side,
        prompt: str,
        fingerprint: str,
        dim: int,
        make: Callable[[list[str]], Encoded],
    ) -> Encoded:
        """What `make` gives for the texts, in their order, made only where it is not kept.

        `make` gets each text once; where they are kept, at most TEXTS_AT_ONCE in a call.
        `fingerprint` is the encoder's, and changes with anything that changes vectors. Rows with
        non-finite numbers are not kept. The `texts` of an EncoderError become places in this call.
        """
        unique = list(dict.fromkeys(texts))
        found = _empty(len(unique), dim)
        missing = list(range(len(unique)))
        keys: list[bytes] = []
        if self.keeps(side):
            keys = self._keys(unique, side, prompt, fingerprint, dim)
            missing = self._look_up(keys, found, dim)
            self._count(texts, unique, missing)
        step = TEXTS_AT_ONCE if keys else max(1, len(missing))
        for at in range(0, len(missing), step):
            rows = missing[at : at + step]
            given = [unique[row] for row in rows]
            try:
                made = make(given)
            except EncoderError as error:
                _blame(error, given, texts)
                raise
            if len(made.vectors) != len(rows) or made.vectors.shape[1:] != (dim,):
                raise EncoderError(
                    f"an encoder made an array of shape {made.vectors.shape} for {len(rows)} "
                    f"texts; ({len(rows)}, {dim}) is wanted"
                )
            if keys:
                made = self._keep([keys[row] for row in rows], made)
            for whole, part in zip(found, made, strict=True):
                whole[rows] = part
        if len(unique) == len(texts):
            return found
        place = {text: row for row, text in enumerate(unique)}
        order = np.fromiter((place[text] for text in texts), np.int64, len(texts))
        return Encoded(found.vectors[order], found.tokens_total[order], found.tokens_seen[order])

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        with self._turn:
            if self._file is not None:
                self._file.close()

    def _keys(
        self, texts: Sequence[str], side: Side, prompt: str, fingerprint: str, dim: int
    ) -> list[bytes]:
        assert self._settings is not None
        # As JSON no two lists of these give the same bytes, whatever is in them.
        told = dumps([_FORMAT, side, prompt, fingerprint, dim, self._settings.precision])
        start = blake2b(told.encode(), digest_size=16)
        keys = []
        for text in texts:
            digest = start.copy()
            digest.update(text.encode("utf-8", "surrogatepass"))
            keys.append(digest.digest())
        return keys

    def _look_up(self, keys: list[bytes], found: Encoded, dim: int) -> list[int]:
        """Fill in the rows that are kept; the numbers of the others."""
        missing: list[int] = []
        for at in range(0, len(keys), TEXTS_AT_ONCE):
            entries = self._read(keys[at : at + TEXTS_AT_ONCE])
            known = [row for row, entry in enumerate(entries) if entry is not None]
            missing += [at + row for row, entry in enumerate(entries) if entry is None]
            if known:
                kept = [entry for entry in entries if entry is not None]
                rows = np.array(known) + at
                found.vectors[rows] = unpack([entry.vector for entry in kept], dim)
                found.tokens_total[rows] = [entry.tokens_total for entry in kept]
                found.tokens_seen[rows] = [entry.tokens_seen for entry in kept]
        return missing

    def _count(self, texts: Sequence[str], unique: Sequence[str], missing: Sequence[int]) -> None:
        made = len(missing)
        if len(texts) > len(unique):
            again = {unique[row] for row in missing}
            made = sum(text in again for text in texts)
        with self._turn:
            self.hits += len(texts) - made
            self.misses += made

    def _read(self, keys: list[bytes]) -> Sequence[Entry | None]:
        with self._turn:
            if self._file is not None:
                try:
                    return self._file.read(keys)
                except OSError as error:
                    self._give_up(error)
        return [None] * len(keys)

    def _keep(self, keys: list[bytes], made: Encoded) -> Encoded:
        """What was made, as it will be found again; the file has it from now on."""
        assert self._settings is not None
        if self._settings.precision == "int8":
            # A text has the same vector the first time as later.
            made = made._replace(vectors=as_kept(made.vectors))
        blobs = pack(made.vectors, self._settings.precision)
        totals, seen = made.tokens_total.tolist(), made.tokens_seen.tolist()
        finite = np.flatnonzero(np.isfinite(made.vectors).all(axis=1))
        entries = {keys[i]: Entry(blobs[i], totals[i], seen[i]) for i in finite.tolist()}
        with self._turn:
            if self._file is not None and self._may_write and entries:
                try:
                    self._file.write(entries)
                except OSError as error:
                    self._may_write = False
                    tell(
                        f"the vector cache {self._file.path} cannot be written: {error}; "
                        "what is encoded from now on is not kept in it",
                        stacklevel=5,
                    )
        return made

    def _give_up(self, error: Exception) -> None:
        """Told once: without a file nothing is looked up any more."""
        assert self._file is not None
        tell(
            f"the vector cache {self._file.path} cannot be used: {error}; delete the file, or name "
            "another; everything is encoded without it",
            stacklevel=6,
        )
        self._file.close()
        self._file = None


def _file(path: Path, settings: VectorCache) -> "VectorFile":
    from retrievo.encode.cache.vector_file import VectorFile  # SQLite, which many runs do not need

    return VectorFile(path, max_bytes=settings.max_mb * 1_000_000)


def _blame(error: EncoderError, given: Sequence[str], texts: Sequence[str]) -> None:
    """Make the places of `given` that the error names those of `texts`, with their reasons."""
    blamed = {given[place]: i for i, place in enumerate(error.texts) if 0 <= place < len(given)}
    pairs = [(place, blamed[text]) for place, text in enumerate(texts) if text in blamed]
    if error.reasons:
        error.reasons = tuple(error.reasons[i] for _, i in pairs)
    error.texts = tuple(place for place, _ in pairs)


def _empty(n: int, dim: int) -> Encoded:
    counts = np.full((2, n), -1, np.int32)
    return Encoded(np.zeros((n, dim), np.float32), counts[0], counts[1])
