"""Codes of a representation's vectors, which a search reads before the vectors themselves."""

from dataclasses import dataclass

from retrievo.store.representations import Places


@dataclass(frozen=True, slots=True)
class Coded:
    """Codes of the first rows."""

    def at(self, places: Places) -> "Coded":
        return self
