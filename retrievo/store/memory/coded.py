"""Codes of a representation's vectors, which a search reads before the vectors themselves."""

import math
import threading
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from retrievo.errors import ConfigError
from retrievo.store.codecs import CODECS, codec
from retrievo.store.codecs.choosing import SAMPLE_BYTES, Choice, choose
from retrievo.store.codecs.codec import Codec
from retrievo.store.memory.growing import Growing
from retrievo.store.representations import Places
from retrievo.telling import tell
from retrievo.types import Scores, Vectors

CODED_FROM: Final = 5_000
"""Vectors: scanning fewer as floats takes under a millisecond, so codes gain nothing."""

FITTED_AGAIN: Final = 0.5
"""A codec is fitted again once so many vectors have come for each that it was fitted on.

Whether the collection has grown or others have taken their place, it may be another by then.
"""

_ROWS_AT_ONCE = 8192


@dataclass(frozen=True, slots=True)
class Coded:
    """The codec of one representation and the codes of its first `n` rows.

    Without a codec, none was good enough of the vectors that were there at the time. `fitted_on`
    vectors were there when it was fitted, `since` have come later.
    """

    codec: Codec | None
    fitted_on: int
    choice: Choice | None = None
    codes: Growing | None = None
    n: int = 0
    since: int = 0

    def at(self, places: Places) -> "Coded":
        places = places[places < self.n]
        codes = None if self.codes is None else self.codes.at(places)
        return replace(self, codes=codes, n=len(places))

    def over(self, vectors: Vectors) -> "Coded":
        """With codes of all of the vectors, of which it has the first ones'."""
        codes = self.codes
        if self.codec is not None:
            for start in range(self.n, len(vectors), _ROWS_AT_ONCE):
                new = self.codec.encode(vectors[start : start + _ROWS_AT_ONCE])
                codes = Growing(new) if codes is None else codes.plus(new)
        since = self.since + len(vectors) - self.n
        return replace(self, codes=codes, n=len(vectors), since=since)

    def is_old(self, n: int) -> bool:
        """Whether a collection of n vectors by now may be another than the codec was fitted on."""
        come = self.since + n - self.n
        return come >= FITTED_AGAIN * self.fitted_on or n <= FITTED_AGAIN * self.fitted_on

    def scores(self, queries: Vectors) -> Scores:
        """float32[queries, n]: estimates of the inner products."""
        assert self.codec is not None and self.codes is not None
        return self.codec.scores(queries, self.codes.array)


class Coding:
    """How a store compresses: which codec, and how many candidates a search rescores.

    Raises ConfigError for a setting that makes no sense.
    """

    def __init__(self, compression: str, min_recall: float, oversampling: float | None) -> None:
        if compression not in ("none", "auto", *CODECS):
            known = ", ".join(("none", "auto", *CODECS))
            raise ConfigError(f"compression is one of {known}, not {compression!r}")
        if not 0 < min_recall <= 1:
            raise ConfigError(f"min_recall is above 0 and at most 1, not {min_recall}")
        if oversampling is not None and not 1 <= oversampling < math.inf:
            raise ConfigError(f"oversampling is a number from 1 up, not {oversampling}")
        self.compression = compression
        self._min_recall = min_recall
        self._oversampling = oversampling
        self._turn = threading.Lock()

    def pool(self, codec: Codec, depth: int) -> int:
        """How many candidates of a search are scored exactly."""
        return math.ceil(depth * (self._oversampling or codec.oversampling))

    def coded(self, held: dict[str, Coded], name: str, vectors: Vectors) -> Coded | None:
        """The codes of all the vectors, made where they are missing and put into `held`.

        None without compression and where the vectors are few. Tells what "auto" chose.
        """
        n = len(vectors)
        if self.compression == "none" or n < CODED_FROM or not vectors.shape[1]:
            return None
        found = held.get(name)
        if found is not None and found.n == n and not found.is_old(n):
            return found
        with self._turn:  # of threads that find none, one makes them
            found = held.get(name)
            if found is None or found.is_old(n):
                found = self._fitted(name, vectors, found)
            if found.n < n:
                held[name] = found = found.over(vectors)
            return found

    def _fitted(self, name: str, vectors: Vectors, before: Coded | None) -> Coded:
        n, chosen, choice = len(vectors), self.compression, None
        if self.compression == "auto":
            most = max(CODED_FROM, SAMPLE_BYTES // vectors[:1].nbytes)
            choice = choose(
                _some(vectors, most),
                list(CODECS),
                self._min_recall,
                oversampling=self._oversampling,
            )
            chosen = choice.name
            known = None if before is None or before.choice is None else before.choice.name
            if chosen != known:
                tell(f"store 'memory', {name!r}, {n} vectors: {choice}", stacklevel=4)
        made = None if chosen == "none" else codec(chosen).fit(vectors)
        # All of them have been seen: none that `over` encodes first has come since.
        return Coded(made, n, choice, since=-n)


def _some(vectors: Vectors, most: int) -> Vectors:
    if len(vectors) <= most:
        return vectors
    places = np.random.default_rng(0).choice(len(vectors), most, replace=False)
    return vectors[np.sort(places)]
