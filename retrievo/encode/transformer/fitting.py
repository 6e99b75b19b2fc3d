"""What is done with a text that is longer than a transformer reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from retrievo.contracts import Spans
from retrievo.encode.encoded import Counts, Side
from retrievo.encode.transformer.tokenizing import Tokens, TransformerTokenizer
from retrievo.errors import ConfigError, EncoderError
from retrievo.types import Vectors

OnTruncate = Literal["error", "warn", "split", "window"]


@dataclass(frozen=True, slots=True)
class Fitted:
    """Texts that fit, their tokens, and which text each one is a part of; None where all do.

    The counts are of the texts that were given, without special tokens and prompt.
    """

    texts: Sequence[str]
    tokens: Sequence[Tokens]
    owners: npt.NDArray[np.int64] | None
    tokens_total: Counts
    tokens_seen: Counts

    def joined(self, vectors: Vectors) -> Vectors:
        """For each text given the mean of its parts' vectors, weighted by their tokens."""
        if self.owners is None:
            return vectors
        weights = np.array([len(found.ids) for found in self.tokens], np.float64)
        sums = np.zeros((len(self.tokens_total), vectors.shape[1]), np.float64)
        np.add.at(sums, self.owners, vectors * weights[:, None])
        n = len(self.tokens_total)
        means = sums / np.maximum(np.bincount(self.owners, weights, n), 1)[:, None]
        # A text in one part keeps its numbers to the bit.
        alone = np.bincount(self.owners)[self.owners] == 1
        means[self.owners[alone]] = vectors[alone]
        return means.astype(np.float32)


class Fitting:
    """Makes texts fit into what a model reads, as `on_truncate` says."""

    def __init__(
        self,
        tokenizer: TransformerTokenizer,
        max_tokens: int | None,
        on_truncate: OnTruncate,
        model: str,
        *,
        overlap: float = 0.5,
    ) -> None:
        self._tokenizer = tokenizer
        self._overlap = overlap
        self._limit = max_tokens
        self._on_truncate = on_truncate
        self._model = model

    def check_prompts(self, prompts: Mapping[Side, str]) -> None:
        """Raise ConfigError where a prompt leaves no room for a text."""
        for side, prompt in prompts.items():
            taken = self._tokenizer.specials(prompt)
            if self._limit is not None and taken >= self._limit:
                raise ConfigError(
                    f"the {side}_prompt has {taken} tokens with the special ones, and "
                    f"{self._model} reads {self._limit}: no text fits beside it; give a shorter one"
                )

    def fit(self, texts: Sequence[str], prompt: str) -> Fitted:
        """The texts, or their parts. Raises EncoderError with the places of those too long."""
        tokens = self._tokenizer.tokens([prompt + text for text in texts])
        specials = self._tokenizer.specials(prompt)
        totals = np.array([max(0, len(found.ids) - specials) for found in tokens], np.int32)
        limit = self._limit
        long = [] if limit is None else [i for i, t in enumerate(tokens) if len(t.ids) > limit]
        if limit is None or not long:
            return Fitted(texts, tokens, None, totals, totals)
        room = max(1, limit - specials)
        if self._on_truncate == "error":
            self._refuse(totals, room, long)
        if self._on_truncate == "warn":
            for place in long:
                tokens[place] = self._tokenizer.cut(prompt + texts[place])
            return Fitted(texts, tokens, None, totals, np.minimum(totals, room))
        parts: list[str] = []
        part_tokens: list[Tokens] = []
        owners: list[int] = []
        too_long = set(long)
        for place, text in enumerate(texts):
            found, cut = [text], [tokens[place]]
            if place in too_long:
                found, cut = self._cut(text, prompt, room, limit)
            parts += found
            part_tokens += cut
            owners += [place] * len(found)
        return Fitted(parts, part_tokens, np.array(owners, np.int64), totals, totals)

    def _cut(self, text: str, prompt: str, room: int, limit: int) -> tuple[list[str], list[Tokens]]:
        """Parts that fit when they are tokenized alone: a cut in a word may make more tokens."""
        spans = self._tokenizer.token_spans(text)
        overlapping = self._on_truncate == "window"
        while True:
            found = [
                text[piece.start : piece.end]
                for piece in pieces(
                    text, spans, room, overlapping=overlapping, overlap=self._overlap
                )
            ]
            tokens = self._tokenizer.tokens([prompt + part for part in found])
            if room == 1 or all(len(part.ids) <= limit for part in tokens):
                return found, tokens
            room = max(1, room - max(1, room // 8))

    def _refuse(self, totals: Counts, room: int, long: Sequence[int]) -> None:
        worst = max(long, key=lambda place: int(totals[place]))
        raise EncoderError(
            f"{len(long)} of {len(totals)} texts are longer than {self._model} reads: one has "
            f"{int(totals[worst])} tokens, {room} fit (its limit is {self._limit}, special tokens "
            "and prompt included); set a smaller chunk_size, or on_truncate to warn, split or "
            "window",
            texts=list(long),
            reasons=[f"{int(totals[place])} tokens, {room} fit" for place in long],
        )


class Piece(NamedTuple):
    """A part of a text in characters, and how many of its tokens it holds."""

    start: int
    end: int
    tokens: int


def pieces(
    text: str, spans: Spans, room: int, *, overlapping: bool, overlap: float = 0.5
) -> list[Piece]:
    """Parts of at most `room` tokens that together hold the whole text.

    Without overlap each part begins where the one before ended, before the last white space in its
    second half where there is one. With it each begins in the middle of the one before, so that
    every place is read with what surrounds it, and the last one is moved back so that it is full.
    With an `overlap` of 0 they overlap only there: the parallel context windows of LongEmbed
    (Zhu et al. 2024).
    """
    n = len(spans)
    found: list[Piece] = []
    first = 0
    while first < n:
        last = min(first + room, n)
        if overlapping and last == n:
            first = max(0, n - room)
        elif last < n and not overlapping:
            last = _at_space(text, spans, first, last)
        start = int(spans[first, 0]) if found else 0
        end = len(text) if last == n else int(spans[last, 0])
        found.append(Piece(start, end, last - first))
        if last == n:
            break
        first = first + max(1, int(room * (1 - overlap))) if overlapping else last
    return found


def _at_space(text: str, spans: Spans, first: int, last: int) -> int:
    """The last token in the second half that begins a word; `last` where none does."""
    for place in range(last, first + (last - first) // 2, -1):
        start = int(spans[place, 0])
        if start and (text[start - 1].isspace() or text[start].isspace()):
            return place
    return last
