"""What BM25-like representations need to know of the whole collection, kept in the catalog.

The engine's own IDF counts deleted points until it compacts, and its mean length is frozen when a
point is written; so document frequencies, lengths and totals live here, exact after every commit.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from retrievo.contracts import Statistics
from retrievo.store.local.database import Database
from retrievo.types import Rows, Scores

REMEMBERED_TERMS = 100_000


class TermCounts:
    """Document frequencies and lengths; whatever writes does so inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Every query asks for them, and they change with writes only. A reader keeps the dict that
        # it began with: what it read before a write ended never gets into the ones after it.
        self._statistics: dict[str, Statistics] = {}
        self._frequencies: dict[str, dict[int, int]] = {}

    def add(
        self,
        representation: str,
        terms: npt.NDArray[Any],
        by: npt.NDArray[Any],
        n: int,
        length: float,
    ) -> None:
        """Add to the document frequencies of the terms, and to n and the total length."""
        self._database.each(
            "INSERT INTO frequencies VALUES (?, ?, ?) "
            "ON CONFLICT (representation, term) DO UPDATE SET n = n + excluded.n",
            (
                (representation, term, k)
                for term, k in zip(terms.tolist(), by.tolist(), strict=True)
            ),
        )
        self._database.each(
            "DELETE FROM frequencies WHERE representation = ? AND term = ? AND n <= 0",
            [(representation, term) for term in terms[by < 0].tolist()],
        )
        self._database.execute(
            "INSERT INTO totals VALUES (?, ?, ?, NULL) ON CONFLICT (representation) "
            "DO UPDATE SET n = n + excluded.n, length = length + excluded.length",
            (representation, n, length),
        )

    def add_lengths(self, representation: str, rows: Rows, lengths: npt.NDArray[Any]) -> None:
        self._database.each(
            "INSERT OR REPLACE INTO lengths VALUES (?, ?, ?)",
            ((representation, r, x) for r, x in zip(rows.tolist(), lengths.tolist(), strict=True)),
        )

    def lengths(self, representation: str, rows: Rows) -> Scores:
        """float32[n], 0 where none is kept."""
        kept = dict(
            self._database.among(
                "SELECT row, length FROM lengths WHERE representation = ? AND row IN ",
                rows.tolist(),
                (representation,),
            )
        )
        return np.array([kept.get(row, 0.0) for row in rows.tolist()], np.float32)

    def forget_lengths(self, representation: str, rows: Rows) -> None:
        self._database.each(
            "DELETE FROM lengths WHERE representation = ? AND row = ?",
            [(representation, row) for row in rows.tolist()],
        )

    def set_fitted(self, representation: str, mean: float) -> None:
        self._database.execute(
            "UPDATE totals SET fitted_mean = ? WHERE representation = ?", (mean, representation)
        )

    def statistics(self, representation: str) -> Statistics:
        statistics = self._statistics
        found = statistics.get(representation)
        if found is None:
            lines = self._database.all(
                "SELECT n, length, fitted_mean FROM totals WHERE representation = ?",
                (representation,),
            )
            n, length, fitted = lines[0] if lines else (0, 0.0, None)
            found = Statistics(n, length / n if n else 0.0, fitted)
            statistics[representation] = found
        return found

    def frequencies(self, representation: str, terms: Sequence[int]) -> list[int]:
        """In how many rows each term occurs."""
        known = self._frequencies.setdefault(representation, {})
        found = {term: known.get(term) for term in terms}
        missing = [term for term, n in found.items() if n is None]
        if missing:
            asked = dict.fromkeys(missing, 0)
            asked.update(
                self._database.among(
                    "SELECT term, n FROM frequencies WHERE representation = ? AND term IN",
                    missing,
                    (representation,),
                )
            )
            # Other threads read it: what is not known yet must never stand there as 0.
            if len(known) > REMEMBERED_TERMS:
                known.clear()
            known.update(asked)
            found.update(asked)
        return [found[term] or 0 for term in terms]

    def forget(self) -> None:
        """Drop what is remembered: something was written."""
        self._statistics = {}
        self._frequencies = {}
