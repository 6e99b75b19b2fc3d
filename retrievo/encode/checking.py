"""What every encoder does with the texts it is given, and says of what it made of them."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from retrievo.encode.encoded import Encoded
from retrievo.encode.texts import as_texts
from retrievo.telling import Counted, tell
from retrievo.tokens import without_surrogates
from retrievo.truncation import record

_STACKLEVEL = 4  # the caller of encode_query or encode_document


def given_texts(texts: Iterable[str]) -> tuple[list[str], npt.NDArray[np.int64], int]:
    """The texts that say something, with U+FFFD for lone surrogates, their places, and how many
    there are in all.

    Raises TypeError for a single text, and for an item that is no text.
    """
    whole = as_texts(texts)
    places = [place for place, text in enumerate(whole) if text.strip()]
    given = [without_surrogates(whole[place]) for place in places]
    return given, np.array(places, np.int64), len(whole)


def tell_empty(empty: int, n: int) -> None:
    if empty:
        what = "texts are empty: their vectors are zero, no dense search finds them"
        tell(Counted(empty, n, what), stacklevel=_STACKLEVEL)


def tell_truncated(texts: Sequence[str], made: Encoded, name: str, limit: int | None) -> None:
    """Record each text that was cut; where nobody collects the records, tell how many they are."""
    cut = np.flatnonzero(made.tokens_seen < made.tokens_total)
    if not cut.size:
        return
    totals, seen = made.tokens_total[cut], made.tokens_seen[cut]
    counts = zip(cut.tolist(), totals.tolist(), seen.tolist(), strict=True)
    if all([record(texts[place], total, read) for place, total, read in counts]):
        return
    what = (
        f"texts are longer than the {limit} tokens that {name} reads: the rest of each is not in "
        "its vector; set a smaller chunk_size, or on_truncate to split, window or error"
    )
    if cut.size == 1:
        what += f" (it has {totals[0]:,} tokens, {seen[0]:,} were read)"
    else:
        what += f" (of their {totals.sum():,} tokens {seen.sum():,} were read)"
    tell(Counted(cut.size, len(texts), what), stacklevel=_STACKLEVEL)
