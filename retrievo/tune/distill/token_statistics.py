"""What a static student has to know of the documents seen so far; more can come, none is kept."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from retrievo.encode.student.counting import Ids, TokenCounter
from retrievo.encode.tensor_file import write_tensors
from retrievo.errors import ConfigError, EncoderError
from retrievo.types import Vectors

PAIRS = 20_000
"""The most pairs of tokens that get a vector of their own."""

HELD_OUT, FEWEST_HELD_OUT, MOST_HELD_OUT = 0.1, 20, 2_000

_LEAST_PAIR = 3  # documents that have it
_FORMAT = "retrievo-token-statistics-1"
_PARTS = {
    "tokenizer": np.uint8,
    "pairs": np.int64,
    "rows": np.int64,
    "starts": np.int64,
    "columns": np.int32,
    "counts": np.uint16,
    "summed": np.int32,
    "sums": np.float32,
    "sum": np.float64,
    "held_rows": np.int64,
    "held_vectors": np.float32,
}


def frequent_pairs(tokenizer_json: str, texts: Iterable[str], most: int = PAIRS) -> Ids:
    """int64, ascending: the pairs of neighbouring tokens that the most texts have, at least three.

    Each is first · vocabulary + second, as TokenCounter takes them; ties go to the smaller.
    """
    counter = TokenCounter(tokenizer_json)
    found: Counter[int] = Counter()
    for ids in counter.ids_of(list(texts)):
        found.update(set((ids[:-1] * counter.vocabulary + ids[1:]).tolist()))
    enough = [(-times, pair) for pair, times in found.items() if times >= _LEAST_PAIR]
    return np.array(sorted(pair for _, pair in sorted(enough)[:most]), np.int64)


class TokenStatistics:
    """Token counts of documents, and the weighted sum of the vectors of those that have a token.

    Whatever the order and the batches in which documents come, the statistics are the same up to
    rounding. The pairs are chosen once, before the first document. A tenth of the documents, at
    least 20 and at most 2,000, is held out: by a hash of the row, so that the choice is the same
    every time. Their vectors are kept and not in the sums. A document that is deleted from the
    index later cannot be taken out again.
    """

    def __init__(self, tokenizer_json: str, dim: int, pairs: Ids | None = None) -> None:
        self.tokenizer_json = tokenizer_json
        self.counter = TokenCounter(tokenizer_json, pairs)
        self.dim = dim
        self.rows: Ids = np.zeros(0, np.int64)
        self.starts: Ids = np.zeros(1, np.int64)
        """Where each document's columns begin and end, int64[n + 1]."""
        self.columns: npt.NDArray[np.int32] = np.zeros(0, np.int32)
        self.counts: npt.NDArray[np.uint16] = np.zeros(0, np.uint16)
        self.sums: Vectors = np.zeros((self.counter.columns, dim), np.float32)
        """By column, the weighted sum of the vectors of documents that are not held out."""
        self.sum = np.zeros(dim, np.float64)
        """The sum of all vectors, of held-out documents too."""
        self.held_rows: Ids = np.zeros(0, np.int64)
        self.held_vectors: Vectors = np.zeros((0, dim), np.float32)

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, rows: npt.ArrayLike, texts: Sequence[str], vectors: Vectors) -> int:
        """How many of these documents came in; those with no token or a zero vector do not.

        `vectors` are float[n, dim] as the teacher made them, and are brought to unit length. Raises
        EncoderError for a shape that does not fit, a number that is not finite, a row that was
        there before.
        """
        found = np.asarray(rows, np.int64)
        if len(found) != len(texts) or vectors.shape != (len(texts), self.dim):
            raise EncoderError(
                f"{len(found)} rows, {len(texts)} texts and vectors of the shape {vectors.shape} "
                f"were given; one row and one vector of {self.dim} numbers a text is wanted"
            )
        if not np.isfinite(vectors).all():
            bad = int(found[int((~np.isfinite(vectors).all(axis=1)).argmax())])
            raise EncoderError(
                f"the vector of row {bad} holds a number that is not finite; encode its document "
                "again, then distill"
            )
        twice = np.isin(found, self.rows)
        if twice.any() or len(np.unique(found)) < len(found):
            raise EncoderError(
                "a row is given that is in the statistics already"
                + (f", {int(found[twice][0])}" if twice.any() else ", twice in one call")
                + "; give each document once"
            )
        lengths = np.linalg.norm(vectors, axis=1)
        ids = self.counter.ids_of(texts)
        takes = [at for at, one in enumerate(ids) if one.size and lengths[at] > 0]
        if not takes:
            return 0
        counted = [self.counter.count(ids[at]) for at in takes]
        units = (vectors[takes] / lengths[takes, None]).astype(np.float32)
        ends = self.starts[-1] + np.cumsum([len(columns) for columns, _ in counted])
        self.rows = np.concatenate([self.rows, found[takes]])
        self.starts = np.concatenate([self.starts, ends])
        self.columns = np.concatenate([self.columns, *(one for one, _ in counted)], dtype=np.int32)
        most = np.iinfo(np.uint16).max
        counts = [np.minimum(times, most) for _, times in counted]
        self.counts = np.concatenate([self.counts, *counts], dtype=np.uint16, casting="unsafe")
        self.sum += units.sum(axis=0, dtype=np.float64)
        self._hold_out(found[takes], units)
        return len(takes)

    def values(self) -> npt.NDArray[np.float32]:
        """float32, beside `columns`: the weight of each in its document."""
        roots = np.sqrt(self.counts, dtype=np.float32)
        tokens = np.where(self.columns < self.counter.vocabulary, roots, np.float32(0))
        totals = np.maximum(np.add.reduceat(tokens, self.starts[:-1]), 1) if len(self) else tokens
        values: npt.NDArray[np.float32] = roots / np.repeat(totals, np.diff(self.starts))
        return values

    @property
    def held_places(self) -> Ids:
        """Where the held-out documents are among `rows`, in the order of `held_rows`."""
        order = np.argsort(self.rows, kind="stable")
        places: Ids = order[np.searchsorted(self.rows[order], self.held_rows)]
        return places

    def _hold_out(self, rows: Ids, vectors: Vectors) -> None:
        # A document that is not among the lowest hashes now can never be later: so nothing that
        # has been folded into the sums is wanted back, in whatever order documents come.
        both = np.concatenate([self.held_rows, rows])
        units = np.concatenate([self.held_vectors, vectors])
        hashes = _hash(both)
        order = np.lexsort((both, hashes))
        below = int((hashes < HELD_OUT * 2.0**64).sum())
        kept = order[: max(FEWEST_HELD_OUT, min(below, MOST_HELD_OUT))]
        leaves = order[len(kept) :]
        self.held_rows, self.held_vectors = both[kept], units[kept]
        self._fold(both[leaves], units[leaves])

    def _fold(self, rows: Ids, units: Vectors) -> None:
        if not len(rows):
            return
        order = np.argsort(self.rows, kind="stable")
        places = order[np.searchsorted(self.rows[order], rows)]
        columns: list[npt.NDArray[np.int32]] = []
        values: list[npt.NDArray[np.float32]] = []
        of: list[Ids] = []
        for document, place in enumerate(places.tolist()):
            part = slice(self.starts[place], self.starts[place + 1])
            columns.append(self.columns[part])
            values.append(self.counter.weights(self.columns[part], self.counts[part]))
            of.append(np.full(len(columns[-1]), document))
        column, value = np.concatenate(columns), np.concatenate(values)
        document_of = np.concatenate(of)
        by_column = np.argsort(column, kind="stable")
        column, value, document_of = column[by_column], value[by_column], document_of[by_column]
        found, begins = np.unique(column, return_index=True)
        stops = [*begins[1:].tolist(), len(column)]
        for one, begin, stop in zip(found.tolist(), begins.tolist(), stops, strict=True):
            self.sums[one] += value[begin:stop] @ units[document_of[begin:stop]]

    def save(self, path: str | Path) -> None:
        """One file, written whole or not at all."""
        path = Path(path)
        summed = np.flatnonzero(self.sums.any(axis=1)).astype(np.int32)
        parts: dict[str, npt.NDArray[Any]] = {
            "tokenizer": np.frombuffer(self.tokenizer_json.encode(), np.uint8),
            "pairs": self.counter.pairs,
            "rows": self.rows,
            "starts": self.starts,
            "columns": self.columns,
            "counts": self.counts,
            "summed": summed,
            "sums": self.sums[summed],
            "sum": self.sum,
            "held_rows": self.held_rows,
            "held_vectors": self.held_vectors,
        }
        write_tensors(path, parts, {"format": _FORMAT})

    @classmethod
    def load(cls, path: str | Path) -> "TokenStatistics":
        """What was saved. Raises ConfigError for a file that is not there, or not such a file."""
        path = Path(path)
        again = "make the student anew, with `retrievo distill` and no --refresh"
        try:
            with safe_open(path, framework="np") as file:
                told = file.metadata() or {}
                parts = {name: file.get_tensor(name) for name in file.keys()}
        except (OSError, SafetensorError, AttributeError, KeyError, TypeError) as error:
            raise ConfigError(f"the statistics {path} cannot be read: {error}; {again}") from error
        types = {name: part.dtype for name, part in parts.items()}
        if told.get("format") != _FORMAT or types != {k: np.dtype(v) for k, v in _PARTS.items()}:
            raise ConfigError(f"{path} holds no {_FORMAT}; {again}")
        try:
            text = parts["tokenizer"].tobytes().decode()
            made = cls(text, parts["sum"].shape[0], parts["pairs"])
            made.sums[parts["summed"]] = parts["sums"]
            for name in ("rows", "starts", "columns", "counts", "sum", "held_rows", "held_vectors"):
                setattr(made, name, parts[name])
            whole = made._whole()
        except (ConfigError, ValueError, IndexError) as error:
            raise ConfigError(f"{path} is damaged: {error}; {again}") from error
        if not whole:
            raise ConfigError(f"{path} is damaged: its parts do not fit one another; {again}")
        return made

    def _whole(self) -> bool:
        n, starts = len(self.rows), self.starts
        return bool(
            starts.shape == (n + 1,)
            and starts[0] == 0
            and (np.diff(starts) > 0).all()
            and len(self.columns) == len(self.counts) == starts[-1]
            and (not n or 0 <= self.columns.min() <= self.columns.max() < self.counter.columns)
            and self.held_vectors.shape == (len(self.held_rows), self.dim)
            and np.isin(self.held_rows, self.rows).all()
            and all(np.isfinite(part).all() for part in (self.sums, self.sum, self.held_vectors))
        )


def _hash(rows: Ids) -> npt.NDArray[np.uint64]:
    """uint64: a number for each row that looks drawn at random (splitmix64, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        mixed = rows.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    hashed: npt.NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
    return hashed
