"""Query vectors from a token table that was fitted on the documents of one index."""

import math
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from retrievo.encode.checking import tell_empty
from retrievo.encode.student.static_file import read_table
from retrievo.encode.texts import as_texts
from retrievo.errors import ConfigError, EncoderError
from retrievo.telling import Counted, tell
from retrievo.types import Vectors

if TYPE_CHECKING:
    from retrievo.encode.student.card import StudentCard

_KEPT = 8_192  # rows of the table
_AT_ONCE = 1_024  # rows of one text: a text may be long


class StaticStudent:
    """The bias and the weighted mean of its tokens' rows, unit length: a query in a moment.

    Made by `retrievo distill` from the vectors that an index holds, for the queries of that index
    alone: where its documents come to speak of other things, it has to be made again. Its tokens
    are those of its teacher's tokenizer, which decides what case and accents count for; there is
    no longest text. Nothing but numpy, tokenizers and the files in `path` is needed. Raises
    ConfigError where those are missing or damaged.
    """

    special_tokens = 0
    max_tokens = None

    def __init__(self, path: str | Path) -> None:
        from retrievo.encode.student.card import StudentCard  # pydantic: not for an import alone

        self._path = Path(path).expanduser()
        self._card = StudentCard.read(self._path)
        made = read_table(self._path)
        if self._card.kind != "static" or self._card.teacher.dim != made.table.shape[1]:
            raise ConfigError(
                f"the student in {self._path} is {self._card.kind} for {self._card.teacher.dim} "
                f"dimensions, its table has {made.table.shape[1]} and is static; make the student "
                "again with `retrievo distill`"
            )
        self._file = made
        self._rows = _WideRows(made.table)
        self._counter, self._table, self._bias = made.counter, made.table, made.bias

    @property
    def card(self) -> "StudentCard":
        """Whose queries it encodes, and how well."""
        return self._card

    @property
    def dim(self) -> int:
        return len(self._bias)

    @property
    def fingerprint(self) -> str:
        """A hash of the table, of the tokenizer and of what is done with them."""
        return self._file.fingerprint

    @property
    def aligned_to(self) -> str:
        """The fingerprint of the encoder whose documents its queries may meet."""
        return self._card.teacher.fingerprint

    def identity(self) -> dict[str, Any]:
        """What a passport keeps of this encoder."""
        return {
            "name": "static-student",
            "model": self._card.teacher.model,
            "kind": "static",
            "dim": self.dim,
            "normalize": True,
            "prompts": {},
            "dtype": "float32",
        }

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32[len(texts), dim], in the order given.

        An empty text gives a zero row, and the call one RetrievoWarning that counts them. A text
        of which no token has a row (none is in a document) has the direction of the documents'
        mean, which prefers none of them, and is counted in another.
        """
        texts = as_texts(texts)
        vectors = np.zeros((len(texts), self.dim), np.float32)
        empty = unknown = 0
        for row, text in enumerate(texts):
            if not text.strip():
                empty += 1
                continue
            made = vectors[row]
            unknown += not self._add_tokens(text, made)
            made += self._bias
            length = math.sqrt(np.dot(made, made))
            if length > 0:
                made /= length
        tell_empty(empty, len(texts))
        if unknown:
            what = (
                "texts have no token that the student knows: their vectors are those of no query; "
                "send them to the teacher, or make the student again from more documents"
            )
            tell(Counted(unknown, len(texts), what), stacklevel=2)
        return vectors

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        """Raises EncoderError: a student encodes queries only."""
        raise EncoderError(
            f"the student in {self._path} encodes queries only: it was fitted for them to meet "
            f"document vectors of {self._card.teacher.model}, and meets its own much worse; set "
            "the teacher in [encoder], and the student in [query_encoder]"
        )

    def _add_tokens(self, text: str, total: npt.NDArray[np.float32]) -> bool:
        """Whether any token of the text has a row; their weighted sum is added to `total`."""
        columns, weights = self._counter.weighted(text)
        if len(columns) <= _AT_ONCE:
            total += weights @ self._rows.take(columns.tolist())
            return bool(total.any())
        for at in range(0, len(columns), _AT_ONCE):
            part = slice(at, at + _AT_ONCE)
            total += weights[part] @ self._table[columns[part]].astype(np.float32)
        return bool(total.any())


class _WideRows:
    """Rows of the table in float32, widened where they are first asked for.

    Half of a query's time would go into widening the same rows again. A full memory is left to
    whoever reads it and another is begun, so that no row changes under a thread.
    """

    def __init__(self, table: npt.NDArray[np.float16]) -> None:
        self._table = table
        self._lock = Lock()
        self._begin()

    def _begin(self) -> None:
        places: dict[int, int] = {}
        rows = np.empty((min(_KEPT, len(self._table)), self._table.shape[1]), np.float32)
        self._kept = places, rows

    def take(self, columns: list[int]) -> Vectors:
        """float32[len(columns), dim], at most _AT_ONCE of them, no column twice."""
        places, rows = self._kept
        try:
            return rows.take([places[column] for column in columns], axis=0)
        except KeyError:
            pass
        with self._lock:
            places, rows = self._kept
            missing = [column for column in columns if column not in places]
            if len(places) + len(missing) > len(rows):
                self._begin()
                places, rows = self._kept
                missing = columns
            at = len(places)
            rows[at : at + len(missing)] = self._table[missing]
            # Only now: another thread may look a place up at any time.
            places.update(zip(missing, range(at, at + len(missing)), strict=True))
        return rows.take([places[column] for column in columns], axis=0)
