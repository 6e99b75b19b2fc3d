"""Runs a SentenceTransformer on texts that are tokenized already, in batches of equal length."""

import copy
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from retrievo.encode.encoded import Side
from retrievo.encode.probe import PROBE
from retrievo.encode.transformer.batching import token_batches
from retrievo.encode.transformer.fused import FusedLayer, fused
from retrievo.encode.transformer.pooling import before_pooling, pooling_of
from retrievo.encode.transformer.precision import SAME_FROM, TRIED, dtype_of, least_cosine
from retrievo.encode.transformer.tokenizing import Tokens, TransformerTokenizer, limit_of
from retrievo.encode.transformer.workers import Workers
from retrievo.errors import EncoderError
from retrievo.telling import tell
from retrievo.types import Vectors

_SHARED_FROM = 16
"""Texts from which on it is worth to hand them to other processes."""

_CHARACTERS_A_TOKEN = 3
"""Sorts texts where no tokenizer tells their length."""


class Forward:
    """A model's sentence vectors, before slicing and normalisation are ours to do.

    Ids go straight into the modules where a trial shows that the model's own preprocessing makes
    the same of them; else (a Router, a chat template, a tokenizer of its own) each batch of texts
    goes through that preprocessing. On a CPU fused layers run where they give equal vectors. With
    `ours` the model's weights may be laid out anew for them; they keep their values.

    With `narrow` "auto" takes bfloat16 where the first texts have the same vectors in it; `settle`
    finds that out, and until then `dtype` is "auto". With several `devices` each has a process;
    fewer than 16 texts stay in this one. `dtype` names the format of a model whose
    parameters do not tell it.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        tokenizer: TransformerTokenizer | None,
        *,
        budget: int,
        ours: bool = False,
        narrow: bool = False,
        devices: Sequence[str] = (),
        dtype: str | None = None,
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._budget = budget
        self._ours = ours
        self._dtype = dtype
        self._open = narrow and dtype_of(model) == "float32"
        self._devices = tuple(devices) if len(devices) > 1 else ()
        self._workers: Workers | None = None
        self._turn = threading.RLock()  # threads may bring the first texts at once
        self._running: SentenceTransformer | None = None
        self._constants: dict[tuple[str, Side], dict[str, Any] | None] = {}

    @property
    def dtype(self) -> str:
        """The number format that it computes in; "auto" before `settle` has chosen one."""
        if self._dtype is not None:
            return self._dtype
        return "auto" if self._open else dtype_of(self._running or self._model)

    @property
    def is_fused(self) -> bool:
        """Whether fused layers run; chosen with the first texts."""
        return self._running is not None and any(
            isinstance(module, FusedLayer) for module in self._running.modules()
        )

    def settle(self, texts: Sequence[str], *, prompt: str, side: Side) -> None:
        """Choose the number format on the first texts that are to be encoded.

        bfloat16 is taken where each of up to 16 of them has a cosine of at least .9995 between its
        two vectors; else it is told once that it is not.
        """
        with self._turn:
            if not self._open:
                return
            some = list(texts[:TRIED])
            tokens = (
                None if self._tokenizer is None else [self._tokenizer.cut(prompt + t) for t in some]
            )
            narrow = copy.deepcopy(self._model).to(torch.bfloat16)
            both = [
                self._here(model, some, tokens, prompt, side) for model in (self._model, narrow)
            ]
            cosine = least_cosine(*both)
            same = cosine >= SAME_FROM  # not a number is no reason to take it
            # Another thread sees the choice when it is made, not before.
            self._running = narrow if same else self._fastest()
            self._open = False
        if not same:
            tell(
                f"bfloat16 changes this model's vectors (cosine {cosine:.5f} on the first texts, "
                f"{SAME_FROM} is wanted): it computes in float32; set dtype = 'float32'"
            )

    def run(
        self, texts: Sequence[str], tokens: Sequence[Tokens] | None, *, prompt: str, side: Side
    ) -> Vectors:
        """float32[len(texts), width] in the order given.

        `tokens` are those of the texts with the prompt before them, cut to what the model reads.
        """
        with self._turn:
            if self._running is None:
                self._running = self._fastest()
            model = self._running
        if self._devices and len(texts) >= _SHARED_FROM:
            return self._shared(texts, _lengths(texts, tokens, prompt), prompt, side)
        return self._here(model, texts, tokens, prompt, side)

    def _here(
        self,
        model: SentenceTransformer,
        texts: Sequence[str],
        tokens: Sequence[Tokens] | None,
        prompt: str,
        side: Side,
    ) -> Vectors:
        """What `run` gives, by this model in this process."""
        constants = None if tokens is None else self._direct(prompt, side)
        lengths = _lengths(texts, tokens, prompt)
        vectors: Vectors | None = None
        with torch.inference_mode():
            for places in token_batches(lengths, self._budget):
                batch = places.tolist()
                if tokens is not None and constants is not None:
                    features = self._padded([tokens[place] for place in batch]) | constants
                else:
                    given = [texts[place] for place in batch]
                    features = self._preprocessed(given, prompt, side)
                made = self._sentence_embedding(model, features, side)
                if vectors is None:
                    vectors = np.empty((len(texts), made.shape[1]), dtype=np.float32)
                vectors[places] = made
        assert vectors is not None, "no texts, no batches: the caller gives at least one"
        return vectors

    @property
    def width(self) -> int:
        """How many numbers the state of a token has."""
        return int(pooling_of(self._model).embedding_dimension)

    def tensor(self, rows: Vectors) -> torch.Tensor:
        """The rows on the model's device, in its number format."""
        model = self._running or self._model
        made: torch.Tensor = torch.from_numpy(rows).to(
            model.device, getattr(torch, dtype_of(model))
        )
        return made

    def token_states(self, tokens: Sequence[Tokens], *, prompt: str, side: Side) -> list[Vectors]:
        """float32[tokens, width] for each text, specials and prompt included, before the pooling.

        In this process. Raises EncoderError for a model that makes other ids of its texts than its
        tokenizer, or whose first modules give no states.
        """
        with self._turn:
            if self._running is None:
                self._running = self._fastest()
            model = before_pooling(self._running)
        constants = self._direct(prompt, side)
        if constants is None:
            raise EncoderError(
                "the model prepares its texts in a way of its own, so that the states of their "
                "tokens cannot be told apart"
            )
        states: list[Vectors | None] = [None] * len(tokens)
        with torch.inference_mode():
            for places in token_batches([len(found.ids) for found in tokens], self._budget):
                batch = [tokens[place] for place in places.tolist()]
                features = self._padded(batch) | constants
                mask = features["attention_mask"].numpy().astype(bool)
                made = model(self._moved(model, features), task=side).get("token_embeddings")
                if made is None:
                    raise EncoderError("the model's first modules give no states of tokens")
                rows = made.float().cpu().numpy()
                for row, place in enumerate(places.tolist()):
                    states[place] = rows[row][mask[row]]
        return [found for found in states if found is not None]

    def close(self) -> None:
        """End the processes, where there are some; the next texts start new ones."""
        if self._workers is not None:
            self._workers.close()

    def _shared(
        self, texts: Sequence[str], lengths: Sequence[int], prompt: str, side: Side
    ) -> Vectors:
        with self._turn:
            workers = self._started()
        return workers.run(texts, lengths, prompt=prompt, side=side, budget=self._budget)

    def _started(self) -> Workers:
        if self._workers is None:
            # Fused layers cannot move to another device.
            on_cpu = all(device.startswith("cpu") for device in self._devices)
            plain = self._running is None or (self.is_fused and not on_cpu)
            model = self._model if plain or self._running is None else self._running
            self._workers = Workers(model, self._devices, ours=self._ours)
        return self._workers

    def _sentence_embedding(
        self, model: SentenceTransformer, features: dict[str, Any], side: Side
    ) -> Vectors:
        made = model(self._moved(model, features), task=side)["sentence_embedding"]
        array: Vectors = made.float().cpu().numpy()
        return array

    def _moved(self, model: SentenceTransformer, features: dict[str, Any]) -> dict[str, Any]:
        return {
            key: value.to(model.device) if isinstance(value, torch.Tensor) else value
            for key, value in features.items()
        }

    def _fastest(self) -> SentenceTransformer:
        """The model with fused layers, where it has some and they give the same vectors."""
        twin = fused(self._model, share=self._ours)
        if twin is None:
            return self._model
        texts = ["a", PROBE, f"{PROBE}\n" * 3]
        vectors = []
        for model in (self._model, twin):
            try:
                with torch.inference_mode():
                    features = self._preprocessed(texts, "", "document")
                    vectors.append(self._sentence_embedding(model, features, "document"))
            except Exception:  # a layout that is not what it seems, in any way
                return self._model
        plain, made = vectors
        scale = max(1.0, float(np.abs(plain).max()))
        return twin if np.abs(plain - made).max() <= 1e-5 * scale else self._model

    def _preprocessed(self, texts: list[str], prompt: str, side: Side) -> dict[str, Any]:
        return dict(self._model.preprocess(texts, prompt=prompt or None, task=side))

    def _padded(self, tokens: Sequence[Tokens]) -> dict[str, torch.Tensor]:
        tokenizer: Any = self._model.tokenizer
        shape = (len(tokens), max(len(found.ids) for found in tokens))
        ids = np.full(shape, tokenizer.pad_token_id or 0, dtype=np.int64)
        types = np.full(shape, getattr(tokenizer, "pad_token_type_id", 0), dtype=np.int64)
        mask = np.zeros(shape, dtype=np.int64)
        left = tokenizer.padding_side == "left"
        for row, found in enumerate(tokens):
            n = len(found.ids)
            where = slice(shape[1] - n, None) if left else slice(n)
            ids[row, where], types[row, where], mask[row, where] = found.ids, found.types, 1
        features = {"input_ids": ids, "token_type_ids": types, "attention_mask": mask}
        wanted = tokenizer.model_input_names
        return {key: torch.from_numpy(rows) for key, rows in features.items() if key in wanted}

    def _direct(self, prompt: str, side: Side) -> dict[str, Any] | None:
        """What the model's preprocessing adds to the ids; None where it makes other ids."""
        key = (prompt, side)
        if key not in self._constants:
            self._constants[key] = self._tried(prompt, side)
        return self._constants[key]

    def _tried(self, prompt: str, side: Side) -> dict[str, Any] | None:
        if self._tokenizer is None or not hasattr(self._model.tokenizer, "model_input_names"):
            return None
        texts = ["a", PROBE, f"{PROBE}\n" * 4]
        limit = limit_of(self._model)
        if limit is not None and limit < 100_000:
            texts.append(" ".join(str(number) for number in range(limit)))
        theirs = self._preprocessed(texts, prompt, side)
        ours = self._padded([self._tokenizer.cut(prompt + text) for text in texts])
        constants = {
            name: value for name, value in theirs.items() if not isinstance(value, torch.Tensor)
        }
        tensors = theirs.keys() - constants.keys()
        same = tensors == ours.keys() and all(
            torch.equal(theirs[name].cpu(), ours[name]) for name in tensors
        )
        return constants if same else None


def _lengths(texts: Sequence[str], tokens: Sequence[Tokens] | None, prompt: str) -> list[int]:
    """Tokens of each text with the prompt, guessed by its characters where nothing counts them."""
    if tokens is None:
        return [1 + (len(prompt) + len(text)) // _CHARACTERS_A_TOKEN for text in texts]
    return [len(found.ids) for found in tokens]
