"""The ridge of document vectors on token counts, and its solution step by step.

With x the weights of a document's columns, each times its idf (Lucene's
ln(1 + (n - df + .5) / (df + .5))), W minimises
sum |y - mean - x W|² + penalty · (|D|² + |M|²) with W = D + E M: a ridge on the rows D of the
tokens, and on a map M of the directions E in which their letters point, so that tokens which mean
alike share what is learned. The idf is the prior: a rare token may move a query far. The normal
equations are solved by conjugate gradients (Hestenes, Stiefel 1952), eased by a power of their
diagonal.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from retrievo.tune.distill.count_matrix import CountMatrix
from retrievo.tune.distill.token_statistics import TokenStatistics
from retrievo.types import Vectors

PAIR_SHARE = 0.6
DIRECTION_SHARE = 0.3
"""How far pairs, and the directions of tokens, are trusted beside a token's own row."""

_EXACT = 1e-10
_EASING = 0.3
"""The power of the diagonal that steps are divided by: 1 is Jacobi's, slower to the best cosine on
5,000 documents; 0 takes twice the steps on 60,000."""


class NormalEquations:
    """The normal equations of the documents that are not held out, or of the whole."""

    def __init__(
        self, statistics: TokenStatistics, directions: Vectors | None, *, whole: bool
    ) -> None:
        n, tokens = len(statistics), statistics.counter.vocabulary
        columns, values, starts = statistics.columns, statistics.values(), statistics.starts
        held = np.zeros(n, bool)
        held[statistics.held_places] = True
        sums, total = statistics.sums, statistics.sum
        if not whole:
            total = total - statistics.held_vectors.sum(axis=0, dtype=np.float64)
        counted = np.ones(n, bool) if whole else ~held
        entries = np.repeat(counted, np.diff(starts))
        width = statistics.counter.columns
        self.often = np.bincount(columns, minlength=width)
        self._used = np.flatnonzero(self.often)
        place = np.zeros(width, np.int64)
        place[self._used] = np.arange(len(self._used))
        self.mean = (total / max(int(counted.sum()), 1)).astype(np.float32)

        # Of all documents in either fit, so that one goes on where the other stopped.
        idf = np.log1p((n - self.often + 0.5) / (self.often + 0.5))
        idf[tokens:] *= PAIR_SHARE
        squares = (values * idf[columns])[columns < tokens] ** 2
        # So that a penalty means the same for any collection: documents have length 1 on average.
        self._scale = (idf / np.sqrt(max(squares.sum() / n, 1e-12))).astype(np.float32)

        values = values * self._scale[columns]
        at, width = place[columns], len(self._used)
        self._matrix = _rows_of(np.flatnonzero(counted), starts, at, values, width)
        self._held = _rows_of(statistics.held_places, starts, at, values, width)
        target = sums[self._used] * self._scale[self._used, None]
        if whole:
            target += self._held.transposed_times(statistics.held_vectors)
        ones = np.ones((self._matrix.shape[0], 1), np.float32)
        self.target = target - self._matrix.transposed_times(ones) * self.mean
        """float32[columns in use, dim]: the transposed counts times the centred vectors."""
        self.held_vectors = statistics.held_vectors
        self._tokens_used = int(np.searchsorted(self._used, tokens))
        self._all = self._directions = None
        if directions is not None:
            seen = np.flatnonzero(self.often[:tokens])
            centred = directions - directions[seen].mean(axis=0)
            spread = np.sqrt((centred[seen] ** 2).sum(axis=1).mean())
            self._all = (centred * (DIRECTION_SHARE / max(spread, 1e-6))).astype(np.float32)
            self._all[~directions.any(axis=1)] = 0.0
            self._directions = self._all[self._used[: self._tokens_used]]

        self._spread = self._diagonal(at[entries], values[entries])

    def _diagonal(
        self, at: npt.NDArray[np.int64], values: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        """Of the normal equations: the squared length of what each unknown is multiplied by."""
        columns = np.bincount(at, weights=values.astype(np.float64) ** 2, minlength=len(self._used))
        if self._directions is None:
            return columns.astype(np.float32)
        padded = np.zeros((len(self._used), self._directions.shape[1]), np.float32)
        padded[: self._tokens_used] = self._directions
        mapped = (self._matrix.times(padded).astype(np.float64) ** 2).sum(axis=0)
        return np.concatenate([columns, mapped]).astype(np.float32)

    def solve(
        self, target: Vectors, penalty: float, steps: int, start: Vectors | None = None
    ) -> Iterator[Vectors]:
        """After each step the rows of the columns in use, and below them the map M."""
        residual = self._with_map(target)
        found = np.zeros_like(residual)
        if start is not None:
            found += start
            residual -= self._applied(found, penalty)
        easing = ((self._spread + np.float32(penalty)) ** -_EASING)[:, None]
        eased = easing * residual
        search = eased.copy()
        before = float(np.vdot(residual, eased))
        exact = before * _EXACT
        for _ in range(steps):
            # Past what float32 can tell, a step adds nothing but noise.
            if before > exact:
                applied = self._applied(search, penalty)
                length = np.float32(before / float(np.vdot(search, applied)))
                found += length * search
                residual -= length * applied
                np.multiply(easing, residual, out=eased)
                after = float(np.vdot(residual, eased))
                search *= np.float32(after / before)
                search += eased
                before = after
            yield found

    def _applied(self, found: Vectors, penalty: float) -> Vectors:
        document = self._matrix.times(self.table(found))
        applied = self._with_map(self._matrix.transposed_times(document))
        applied += np.float32(penalty) * found
        return applied

    def table(self, found: Vectors) -> Vectors:
        """The rows of the columns in use, what the directions add to them included."""
        rows = found[: len(self._used)]
        if self._directions is None:
            return rows
        rows = rows.copy()
        rows[: self._tokens_used] += self._directions @ found[len(self._used) :]
        return rows

    def full(self, found: Vectors) -> Vectors:
        """float32[tokens and pairs, dim], the scale of each column multiplied in."""
        made = np.zeros((len(self._scale), found.shape[1]), np.float32)
        if self._all is not None:
            made[: len(self._all)] = self._all @ found[len(self._used) :]
        made[self._used] = self.table(found)
        made *= self._scale[:, None]
        return made

    def held_out(self, table: Vectors) -> Vectors:
        """What the rows of the columns in use give the held-out documents, without the mean."""
        return self._held.times(table)

    def _with_map(self, columns: Vectors) -> Vectors:
        if self._directions is None:
            return columns.copy()
        return np.concatenate([columns, self._directions.T @ columns[: self._tokens_used]])


def _rows_of(
    which: npt.NDArray[np.int64],
    starts: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64],
    values: npt.NDArray[np.float32],
    width: int,
) -> CountMatrix:
    sizes = np.diff(starts)[which]
    ends = np.concatenate([[0], np.cumsum(sizes)])
    entries = np.repeat(starts[:-1][which] - ends[:-1], sizes) + np.arange(ends[-1])
    return CountMatrix(ends, columns[entries], values[entries], width)
