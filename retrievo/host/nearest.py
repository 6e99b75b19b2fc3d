"""Did-you-mean: the known name that a misspelt one is closest to."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like `name`, or None where none is alike."""
    found = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def hint(name: str, known: Iterable[str]) -> str:
    """The words "; did you mean 'x'?" or ".", to end a sentence that names what was not found."""
    found = nearest(name, known)
    return f"; did you mean {found!r}?" if found else "."


def listed(names: Iterable[str]) -> str:
    """The names with commas between, or "none"."""
    return ", ".join(names) or "none"
