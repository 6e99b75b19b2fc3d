"""Parallel context windows: a long text as the mean of its parts, each read by itself."""

from collections.abc import Sequence

import numpy as np
from sentence_transformers import SentenceTransformer
from torch import nn

from retrievo.encode.transformer.fitting import Fitted, Fitting
from retrievo.encode.transformer.tokenizing import TransformerTokenizer
from retrievo.encode.transformer.twin import exchanged
from retrievo.types import Vectors

try:
    from sentence_transformers.sentence_transformer.modules import Normalize
except ImportError:  # before version 6
    from sentence_transformers.models import Normalize


class Windows:
    """`pcw` of LongEmbed (Zhu et al. 2024): windows of `window` tokens without overlap.

    The last one is moved back so that it is full as well. Prompt and special tokens are those of
    each window.
    """

    def __init__(
        self, model: SentenceTransformer, tokenizer: TransformerTokenizer, window: int, name: str
    ) -> None:
        self.fitting = Fitting(tokenizer, window, "window", name, overlap=0)
        """What makes texts into windows."""
        self.tokenizer = tokenizer
        """That of the windows."""
        self._normalizes = _last_normalize(model) is not None

    def of(self, fitted: Fitted, prompt: str) -> Fitted:
        """The windows of texts that fit the target, as parts of those that were given."""
        inner = self.fitting.fit(self._read(fitted), prompt)
        owners = inner.owners
        if fitted.owners is not None:
            owners = fitted.owners if owners is None else fitted.owners[owners]
        return Fitted(inner.texts, inner.tokens, owners, fitted.tokens_total, fitted.tokens_seen)

    def finished(self, vectors: Vectors) -> Vectors:
        """Means of windows as the model leaves its vectors: of unit length where it does so."""
        if not self._normalizes:
            return vectors
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        made: Vectors = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
        return made

    def _read(self, fitted: Fitted) -> Sequence[str]:
        """The texts without what was cut from them."""
        if fitted.owners is not None:  # in parts: nothing is cut
            return fitted.texts
        texts = list(fitted.texts)
        for place in np.flatnonzero(fitted.tokens_seen < fitted.tokens_total).tolist():
            seen = int(fitted.tokens_seen[place])
            spans = self.tokenizer.token_spans(texts[place])
            if self.tokenizer.cut_at == "left":
                texts[place] = texts[place][int(spans[-seen, 0]) :]
            else:
                texts[place] = texts[place][: int(spans[seen - 1, 1])]
        return texts


def without_normalization(model: SentenceTransformer) -> SentenceTransformer:
    """A twin whose vectors keep their lengths: windows are averaged before they are made one."""
    last = _last_normalize(model)
    return model if last is None else exchanged(model, {last: nn.Identity()})


def _last_normalize(model: SentenceTransformer) -> str | None:
    names = list(model._modules)
    return names[-1] if names and isinstance(model._modules[names[-1]], Normalize) else None
