"""The texts of a training: short pieces to learn from, whole ones held out to measure by."""

import random
from collections.abc import Iterable
from typing import NamedTuple

from retrievo.chunk.recursive import RecursiveChunker
from retrievo.errors import ConfigError
from retrievo.telling import tell
from retrievo.types import Document

LEAST = 50
"""Texts; with fewer, ten neighbours among those held out say nothing."""

_QUERY_TOKENS = 24


class Texts(NamedTuple):
    """`pieces` of the texts that are trained on; `held_out` texts, and the beginning of each."""

    pieces: list[str]
    held_out: list[str]
    beginnings: list[str]
    given: int


def divide(
    texts: Iterable[str], *, piece_tokens: int, held_out: int, longest: int, seed: int
) -> Texts:
    """A tenth of the texts, at least 20 and at most `held_out`, set aside, the rest cut to pieces.

    Pieces end at sentences where they can and hold at most `piece_tokens` tokens of the static
    tokenizer; they come in a random order that `seed` decides. Empty texts and repeated ones are
    left out, with a warning. A held-out text is cut after `longest` characters, which no model
    here reads. Raises ConfigError for fewer than 50 texts.
    """
    seen: dict[str, None] = {}
    given = empty = 0
    for text in texts:
        given += 1
        stripped = text.strip()
        if stripped:
            seen[stripped] = None
        else:
            empty += 1
    if empty or given - empty > len(seen):
        tell(
            f"{empty} of {given} texts are empty and {given - empty - len(seen)} are there "
            "already; they are left out of the training"
        )
    if len(seen) < LEAST:
        raise ConfigError(
            f"{len(seen)} different texts were given and a ladder is trained on {LEAST} at least; "
            "give more files, or another collection"
        )
    shuffled = list(seen)
    draw = random.Random(seed)
    draw.shuffle(shuffled)
    aside = max(20, min(held_out, len(shuffled) // 10))
    whole = [text[:longest] for text in shuffled[:aside]]
    pieces = [piece for text in shuffled[aside:] for piece in _cut(text, piece_tokens)]
    draw.shuffle(pieces)
    return Texts(pieces, whole, [_cut(text, _QUERY_TOKENS)[0] for text in whole], given)


def _cut(text: str, tokens: int) -> list[str]:
    chunker = RecursiveChunker(chunk_size=tokens, chunk_overlap=0)
    return [chunk.text for chunk in chunker.chunk(Document("text", text)) if chunk.text]
