"""Models that were trained for late interaction: a vector a token (sentence-transformers)."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from sentence_transformers import MultiVectorEncoder as Model

from retrievo.contracts import Spans
from retrievo.encode.checking import given_texts, tell_empty, tell_truncated
from retrievo.encode.encoded import Encoded, Side
from retrievo.encode.transformer.batching import token_batches
from retrievo.encode.transformer.devices import batch_tokens_for
from retrievo.encode.transformer.hub import open_kind
from retrievo.encode.transformer.model_identity import model_fingerprint, module_settings
from retrievo.encode.transformer.token_states import unit
from retrievo.encode.transformer.tokenizing import limit_of, tokenizer_of
from retrievo.errors import EncoderError
from retrievo.types import MultiRows, Vectors


class MultiVectorEncoder:
    """Token vectors of a MultiVectorEncoder of sentence-transformers (ColBERT and its kin).

    `model` is a name on the hub, a local directory, or such a model. What of a text has a vector is
    the model's own: its special tokens and query expansion count, and punctuation may be left out.
    The vectors are made unit length. A text longer than the model reads is cut, and told of.

    It is for the retriever `late-interaction`. `encode_query` and `encode_document` give the unit
    mean of a text's token vectors, for what wants one vector; the model was not trained for that.
    Khattab and Zaharia 2020 (ColBERT). Needs sentence-transformers 6.
    """

    dense_weight = 0.5
    on_truncate = "warn"

    def __init__(
        self,
        model: str | Path | Model,
        *,
        device: str | None = "auto",
        batch_tokens: int | None = None,
        trust_remote_code: bool = False,
        revision: str | None = None,
        local_files_only: bool = False,
    ) -> None:
        self._model, self._name = open_kind(
            Model,
            model,
            device=device,
            trust_remote_code=trust_remote_code,
            revision=revision,
            local_files_only=local_files_only,
        )
        self._model.eval()
        tokenizer = tokenizer_of(self._model)
        if tokenizer is None:
            raise EncoderError(f"the model {self._name} has no fast tokenizer, which is wanted")
        self._tokenizer = tokenizer
        self._budget = batch_tokens_for(str(self._model.device), batch_tokens)

    @cached_property
    def dim(self) -> int:
        told = self._model.get_embedding_dimension()
        return int(told) if told else self._made(["a"], "document")[0].shape[1]

    @property
    def max_tokens(self) -> int | None:
        """The most tokens of a document that the model reads, special tokens included."""
        return self._limit("document")

    @cached_property
    def special_tokens(self) -> int:
        return self._tokenizer.specials(self._prompt("document"))

    @property
    def tokenizer_name(self) -> str:
        """What a passport calls this tokenizer."""
        return f"sentence-transformers:{self._name}"

    @cached_property
    def fingerprint(self) -> str:
        """Changes with any weight, with the tokenizer, the modules' settings and the prompts."""
        settings: Mapping[str, Any] = {
            "modules": module_settings(self._model),
            "prompts": [self._prompt("query"), self._prompt("document")],
            "max_tokens": limit_of(self._model),
        }
        return model_fingerprint(self._model, self._tokenizer, settings)

    def identity(self) -> dict[str, Any]:
        """What a passport keeps of this encoder."""
        prompts = {"query": self._prompt("query"), "document": self._prompt("document")}
        return {
            "name": "multi-vector",
            "model": self._name,
            "dim": self.dim,
            "normalize": True,
            "prompts": prompts,
            "max_tokens": self.max_tokens,
        }

    def token_spans(self, text: str) -> Spans:
        """int32[n, 2]: where the tokens of the text are, in characters, without special tokens."""
        return self._tokenizer.token_spans(text)

    def encode_tokens(self, texts: Sequence[str], *, query: bool) -> MultiRows:
        """For each text a unit vector, float32[dim], for each token that counts.

        Which ones do is for the model to say. An empty text has none. Raises EncoderError for
        non-finite numbers, with the places of the texts.
        """
        side: Side = "query" if query else "document"
        given, places, n = given_texts(texts)
        found: list[Vectors] = [np.empty((0, self.dim), np.float32)] * n
        made = self._made(given, side)
        for place, vectors in zip(places.tolist(), made, strict=True):
            if not np.isfinite(vectors).all():
                raise EncoderError(
                    f"the model {self._name} gave non-finite numbers; its weights may be damaged",
                    texts=[place],
                )
            found[place] = unit(vectors)
        indptr = np.concatenate([[0], np.cumsum([len(one) for one in found])]).astype(np.int64)
        return MultiRows(indptr, np.concatenate([np.empty((0, self.dim), np.float32), *found]))

    def token_places(self, text: str, *, query: bool) -> Spans | None:
        """int32[n, 2]: where in the text each vector of `encode_tokens` comes from, in characters.

        Empty spans for those of special tokens, of the prompt and of a query's expansion; None
        where the model prepares its texts in a way of its own.
        """
        side: Side = "query" if query else "document"
        [given], prompt = [str(text)], self._prompt(side)
        read = self._model.preprocess([given], prompt=prompt or None, task=side)
        ids = np.asarray(read["input_ids"][0].cpu())
        first = self._model.encode([given], task=side, prompt=prompt, output_value=None)[0]
        kept = np.asarray(first["attention_mask"].cpu()).astype(bool).ravel()
        if kept.shape != ids.shape:
            return None
        own, spans = self._tokenizer.ids_and_spans(given)
        made = np.zeros((len(ids), 2), np.int32)
        head = next((i for i in range(len(ids)) if ids[i : i + len(own)].tolist() == own), None)
        if head is None:  # cut: as many as there are from where the first ones stand
            return None
        made[head : head + len(own)] = spans
        found: Spans = made[kept]
        return found

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        return self._mean(texts, query=True)

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        """float32[len(texts), dim]: the unit mean of each text's token vectors."""
        return self._mean(texts, query=False)

    def _mean(self, texts: Sequence[str], *, query: bool) -> Vectors:
        given = list(texts) if not isinstance(texts, str) else texts
        rows = self.encode_tokens(given, query=query)
        empty = int((np.diff(rows.indptr) == 0).sum())
        tell_empty(empty, len(rows))
        sums = [rows[i].sum(axis=0, dtype=np.float64) for i in range(len(rows))]
        return unit(np.array(sums, np.float32).reshape(len(rows), self.dim))

    def _made(self, texts: Sequence[str], side: Side) -> list[Vectors]:
        prompt = self._prompt(side)
        lengths = [len(found.ids) for found in self._tokenizer.tokens([prompt + t for t in texts])]
        self._tell_cut(texts, lengths, side)
        limit = self._limit(side)
        capped = np.minimum(np.asarray(lengths, np.int64), limit or 10**9)
        found: list[Vectors] = [np.empty(0, np.float32)] * len(texts)
        for places in token_batches(capped, self._budget):
            batch = [texts[place] for place in places.tolist()]
            made = self._model.encode(
                batch,
                prompt=prompt,
                batch_size=len(batch),
                task=side,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
            for place, vectors in zip(places.tolist(), made, strict=True):
                found[place] = np.asarray(vectors, np.float32)
        return found

    def _tell_cut(self, texts: Sequence[str], lengths: Sequence[int], side: Side) -> None:
        """Tell of texts that are longer than the model reads; lengths are with special tokens."""
        limit = self._limit(side)
        if limit is None or not texts:
            return
        specials = self._tokenizer.specials(self._prompt(side))
        totals = np.array(lengths, np.int32) - specials
        seen = np.minimum(totals, limit - specials).astype(np.int32)
        none = np.empty((len(texts), 0), np.float32)
        tell_truncated(texts, Encoded(none, totals, seen), self._name, limit)

    def _prompt(self, side: Side) -> str:
        return self._model.prompts.get(side) or ""

    def _limit(self, side: Side) -> int | None:
        told = getattr(self._model[0], f"{side}_length", None)
        limits = [limit for limit in (told, limit_of(self._model)) if limit]
        return min(limits) if limits else None
