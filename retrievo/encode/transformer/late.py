"""Vectors of parts of a text, each pooled from states that have read what surrounds the part.

Guenther et al. 2024, Late Chunking: Contextual Chunk Embeddings Using Long-Context Embedding
Models. The text is read once, and the states of each part's own tokens are averaged.
"""

from collections.abc import Callable, Sequence

import numpy as np
from sentence_transformers import SentenceTransformer

from retrievo.contracts import Spans
from retrievo.encode.transformer import token_states
from retrievo.encode.transformer.forward import Forward
from retrievo.encode.transformer.pooling import pooling_of
from retrievo.encode.transformer.reading import Window, token_ranges
from retrievo.encode.transformer.token_states import TokenStates
from retrievo.encode.transformer.tokenizing import TransformerTokenizer
from retrievo.errors import EncoderError
from retrievo.types import Vectors


def refusal(model: SentenceTransformer, tokenizer: TransformerTokenizer | None) -> str | None:
    """Why spans of a text cannot be pooled with this model, None where they can."""
    refused = token_states.refusal(model, tokenizer)
    if refused is not None:
        return refused
    mode = pooling_of(model).pooling_mode
    if mode != "mean":
        said = mode if isinstance(mode, str) else " and ".join(mode)
        return (
            f"it takes a text's vector from the pooling {said!r}, not from the mean of all tokens"
        )
    return None


class LatePooling:
    """Pools spans of texts from the token states of one model."""

    def __init__(
        self,
        model: SentenceTransformer,
        tokenizer: TransformerTokenizer,
        forward: Forward,
        max_tokens: int | None,
    ) -> None:
        self._width = forward.width
        self._tokens = TokenStates(model, tokenizer, forward, max_tokens)

    def pooled(
        self,
        texts: Sequence[str],
        spans: Sequence[Spans],
        contexts: Sequence[str],
        prompt: str,
        finish: Callable[[Vectors], Vectors],
    ) -> list[Vectors]:
        """For each text float32[number of its spans, width], finished; errors name their text.

        A span without a token has a zero row.
        """
        readings = [
            self._tokens.read(text, prompt=prompt, context=context)
            for text, context in zip(texts, contexts, strict=True)
        ]
        parts = [
            token_ranges(reading.spans, wanted)
            for reading, wanted in zip(readings, spans, strict=True)
        ]
        sums = [np.zeros((len(part), self._width), np.float64) for part in parts]
        for owner, window, states in self._tokens.of(readings, prompt, "document"):
            _add(sums[owner], parts[owner], window, states)
        made = []
        for place, (part, total) in enumerate(zip(parts, sums, strict=True)):
            counts = part[:, 1] - part[:, 0]
            means = (total / np.maximum(counts, 1)[:, None]).astype(np.float32)
            try:
                made.append(finish(self._finished(means, counts > 0)))
            except EncoderError as error:
                error.texts = (place,)
                raise
        return made

    def _finished(self, means: Vectors, real: np.ndarray) -> Vectors:
        made = np.array(self._tokens.behind(means), np.float32)
        made[~real] = 0
        return made


def _add(sums: np.ndarray, parts: np.ndarray, window: Window, states: Vectors) -> None:
    """Add to each part's sum the states of those of its tokens that the window stands for."""
    low, high = parts[:, 0].clip(window.first), parts[:, 1].clip(max=window.last)
    for place in np.flatnonzero(low < high):
        first, last = (at - window.begin + window.lead for at in (low[place], high[place]))
        sums[place] += states[first:last].sum(axis=0, dtype=np.float64)


def checked_spans(texts: Sequence[str], spans: Sequence[Spans]) -> list[Spans]:
    """int32[n, 2] for each text. Raises EncoderError for what is no span of its text."""
    if len(texts) != len(spans):
        raise EncoderError(f"{len(texts)} texts were given, and spans of {len(spans)}")
    found = []
    for place, (text, given) in enumerate(zip(texts, spans, strict=True)):
        wanted: np.ndarray
        try:
            wanted = np.asarray(given if len(given) else np.empty((0, 2), np.int32))
        except (TypeError, ValueError):
            wanted = np.empty(0)
        if wanted.shape != (len(wanted), 2) or not np.issubdtype(wanted.dtype, np.integer):
            raise EncoderError(
                f"the spans of a text are {given!r:.80}; pairs of whole numbers are wanted",
                texts=[place],
            )
        wrong = (wanted[:, 0] < 0) | (wanted[:, 1] < wanted[:, 0]) | (wanted[:, 1] > len(text))
        if wrong.any():
            start, end = wanted[np.flatnonzero(wrong)[0]].tolist()
            raise EncoderError(
                f"the span [{start}:{end}] is not in the text, which has {len(text)} characters",
                texts=[place],
            )
        found.append(wanted.astype(np.int32))
    return found


def checked_contexts(texts: Sequence[str], contexts: Sequence[str] | None) -> list[str]:
    """A context for each text, empty where none are given. Raises EncoderError for too few."""
    if contexts is None:
        return [""] * len(texts)
    if len(contexts) != len(texts):
        raise EncoderError(f"{len(texts)} texts were given, and contexts of {len(contexts)}")
    return list(contexts)
