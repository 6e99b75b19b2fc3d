"""What a model makes of each token of a text, for late interaction and for late chunking."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from retrievo.encode.encoded import Side
from retrievo.encode.transformer.batching import token_batches
from retrievo.encode.transformer.forward import Forward
from retrievo.encode.transformer.pooling import behind_pooling, pooling_of
from retrievo.encode.transformer.reading import Reader, Reading, Window
from retrievo.encode.transformer.tokenizing import TransformerTokenizer
from retrievo.errors import EncoderError
from retrievo.types import MultiRows, Vectors

_AT_ONCE = 16_384
"""Tokens whose states are in memory together: 25 MB where each has 384 numbers."""


def refusal(model: SentenceTransformer, tokenizer: TransformerTokenizer | None) -> str | None:
    """Why the states of this model's tokens cannot be had, None where they can."""
    if tokenizer is None:
        return "it has no tokenizer that tells where its tokens are"
    if pooling_of(model) is None:
        return "it does not pool the states of its tokens in a module of its own"
    return None


class TokenStates:
    """Reads texts with a model, and hands out the states of their own tokens.

    A text longer than `max_tokens` is read in overlapping macro-windows, each token in the one
    where it has most context: nothing of it is left out. Special tokens and the prompt are read and
    have no vector: each vector has its place in the text, that of `token_spans`.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        tokenizer: TransformerTokenizer,
        forward: Forward,
        max_tokens: int | None,
    ) -> None:
        self._forward = forward
        self._reader = Reader(tokenizer, max_tokens)
        self._head = behind_pooling(model)

    def read(self, text: str, *, prompt: str, context: str = "") -> Reading:
        return self._reader.read(text, prompt=prompt, context=context)

    def of(
        self, readings: Sequence[Reading], prompt: str, side: Side
    ) -> Iterator[tuple[int, Window, Vectors]]:
        """Which reading, which window of it, and float32[tokens of the window, width].

        In batches of windows of nearly equal length, so in no order of the readings.
        """
        jobs = [(owner, w) for owner, reading in enumerate(readings) for w in reading.windows]
        lengths = [len(window.tokens.ids) for _, window in jobs]
        for places in token_batches(lengths, _AT_ONCE):
            some = [jobs[place] for place in places.tolist()]
            tokens = [window.tokens for _, window in some]
            states = self._forward.token_states(tokens, prompt=prompt, side=side)
            for (owner, window), found in zip(some, states, strict=True):
                yield owner, window, found

    def encoded(
        self,
        texts: Sequence[str],
        prompt: str,
        side: Side,
        finish: Callable[[Vectors], Vectors],
        dim: int,
    ) -> MultiRows:
        """A unit vector for each token of each text; errors name their text.

        A token goes through what is behind the model's pooling, as the vector of a text that has
        this token alone would.
        """
        readings = [self.read(text, prompt=prompt) for text in texts]
        sizes = [len(reading.spans) for reading in readings]
        indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        vectors = np.zeros((int(indptr[-1]), dim), np.float32)
        for owner, window, states in self.of(readings, prompt, side):
            low = window.first - window.begin + window.lead
            own = states[low : low + window.last - window.first]
            at = int(indptr[owner]) + window.first
            try:
                vectors[at : at + len(own)] = unit(finish(self.behind(own)))
            except EncoderError as error:
                error.texts = (owner,)
                raise
        return MultiRows(indptr, vectors)

    def behind(self, states: Vectors) -> Vectors:
        """The rows through what the model has behind its pooling: dense layers, a normalisation."""
        if not self._head or not len(states):
            return states
        with torch.inference_mode():
            features = {"sentence_embedding": self._forward.tensor(states)}
            for module in self._head:
                features = module(features)
            made: Vectors = features["sentence_embedding"].float().cpu().numpy()
        return made


def unit(vectors: Vectors) -> Vectors:
    """The rows at length 1; zero rows stay zero."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    made: Vectors = (vectors / np.where(norms > 0, norms, 1)).astype(np.float32)
    return made
