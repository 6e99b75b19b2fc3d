"""The ledger of texts of which an encoder did not read everything.

An encoder records, whoever has to account for the texts collects: the ingest for its chunks, a
search for its query. A context variable, as in `telling`: each thread and task has its own.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

_recorded: ContextVar[list["Truncation"] | None] = ContextVar("retrievo_truncated", default=None)


class Truncation(NamedTuple):
    """A text as it was given to an encoder, and its tokens: all, and those in its vector.

    Both counts are the encoder's, without special tokens and prompt.
    """

    text: str
    tokens_total: int
    tokens_seen: int

    @property
    def tokens_lost(self) -> int:
        return self.tokens_total - self.tokens_seen


def record(text: str, tokens_total: int, tokens_seen: int) -> bool:
    """Hand the entry to whoever collects in this thread or task; False where nobody does.

    Whoever collects tells the user. Where nobody does, that is for the encoder: see `tell`.
    """
    recorded = _recorded.get()
    if recorded is None:
        return False
    recorded.append(Truncation(text, int(tokens_total), int(tokens_seen)))
    return True


def worst_by_text(entries: Iterable[Truncation]) -> dict[str, Truncation]:
    """Of each text the entry that lost most: several encoders may have read the same one."""
    worst: dict[str, Truncation] = {}
    for entry in entries:
        known = worst.get(entry.text)
        if known is None or entry.tokens_lost > known.tokens_lost:
            worst[entry.text] = entry
    return worst


@contextmanager
def recording() -> Iterator[list[Truncation]]:
    """What encoders record inside."""
    entries: list[Truncation] = []
    token = _recorded.set(entries)
    try:
        yield entries
    finally:
        _recorded.reset(token)
