"""Any model of sentence-transformers, from the hub or from a local directory."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import numpy as np
from sentence_transformers import SentenceTransformer

from retrievo.contracts import Spans
from retrievo.encode.cache import Cache, CacheSetting
from retrievo.encode.checking import given_texts, tell_empty, tell_truncated
from retrievo.encode.encoded import Encoded, Side
from retrievo.encode.extension.setting import Mode, extension_of
from retrievo.encode.matryoshka.cut import Wanted, folder_of
from retrievo.encode.matryoshka.heads import Kind
from retrievo.encode.transformer import late, token_states
from retrievo.encode.transformer.backends import Backend
from retrievo.encode.transformer.batching import slabs
from retrievo.encode.transformer.fitting import Fitting, OnTruncate
from retrievo.encode.transformer.model_identity import dim_of, model_fingerprint
from retrievo.encode.transformer.opening import opened
from retrievo.encode.transformer.precision import DType
from retrievo.encode.transformer.prompts import prompts_of
from retrievo.encode.transformer.routes import document_route
from retrievo.encode.transformer.token_states import TokenStates
from retrievo.encode.transformer.tokenizing import limit_of
from retrievo.errors import ConfigError, EncoderError
from retrievo.types import MultiRows, Vectors


class SentenceEncoder:
    """Vectors of a SentenceTransformer, unit length unless `normalize` is False, float32.

    `model` is a name on the hub, a local directory, or a SentenceTransformer.
    `query_prompt` and `document_prompt` are put before a text; without them the model's own are,
    which `prompts` overrides by name. `device` "auto" takes what the machine has; with a list of
    devices, or `processes` of a CPU, each has a process, and `close` ends them. `dtype` "auto" is
    bfloat16 where the machine has it and the first texts have the same vectors in it. `backend`
    "onnx" or "openvino" runs the transformer there, "onnx" also in the `dtype` "int8". Texts are
    encoded in batches of at most `batch_tokens` tokens, padding included.

    A text of more than `max_tokens` tokens follows `on_truncate`: "error" raises EncoderError,
    "warn" reads its beginning, "split" takes the mean of consecutive parts, weighted by their
    tokens, "window" the same of parts that overlap by half. `cache` keeps vectors that were made:
    "auto" beside an index, "off" none, or the path of a file.

    `truncate_dim` keeps the first numbers of a vector, `layers` runs the first layers only; both
    come before the normalisation. `head` "pca" or "ridge" takes a map from the folder `heads`,
    which `retrievo calibrate` fits. Fewer layers want a head, a model that declares its ladder, or
    `allow_untrained`. `aligned_to`, the fingerprint of a document encoder, declares that its
    queries may meet that one's documents, which is then not measured.

    `context_extension` makes `max_tokens` the `target_tokens`, 4096 where they are not given, for a
    model that was made for fewer: "pi", "gp" and "rp" for one with a table of positions, "ntk" and
    "selfextend" for one with rotary positions, "pcw" for any (LongEmbed, Zhu et al. 2024). Texts
    that fit without it keep their vectors. `attention_scaling` multiplies the attention's logits
    over a longer text of n tokens by log n / log of the model's own window.
    """

    dense_weight = 0.5
    """Its share beside BM25 in the default fusion."""

    def __init__(
        self,
        model: str | Path | SentenceTransformer,
        *,
        device: str | list[str] | None = "auto",
        processes: int = 1,
        dtype: DType = "auto",
        backend: Backend = "torch",
        batch_tokens: int | None = None,
        layers: int | None = None,
        truncate_dim: int | None = None,
        head: Kind = "slice",
        heads: str | Path | None = None,
        allow_untrained: bool = False,
        normalize: bool = True,
        on_truncate: OnTruncate = "warn",
        context_extension: Mode | None = None,
        target_tokens: int | None = None,
        attention_scaling: bool = False,
        cache: CacheSetting = "auto",
        prompts: dict[str, str] | None = None,
        query_prompt: str | None = None,
        document_prompt: str | None = None,
        trust_remote_code: bool = False,
        revision: str | None = None,
        local_files_only: bool = False,
        aligned_to: str | None = None,
    ) -> None:
        opening = opened(
            model,
            device=device,
            processes=processes,
            dtype=dtype,
            backend=backend,
            trust_remote_code=trust_remote_code,
            revision=revision,
            local_files_only=local_files_only,
        )
        self._model, self._name = opening.model, opening.name
        if on_truncate not in get_args(OnTruncate):
            raise ConfigError(f"on_truncate is {on_truncate!r}; one of {get_args(OnTruncate)}")
        self.cache = Cache(cache)
        """Vectors of texts that were encoded before."""
        self.on_truncate = on_truncate
        """What is done with a text that is longer than `max_tokens`."""
        self._normalize, self._dtype, self._aligned_to = normalize, dtype, aligned_to
        self._prompts = prompts_of(self._model, prompts, query_prompt, document_prompt)
        self._extension = extension_of(
            self._model,
            self._name,
            context_extension,
            target_tokens=target_tokens,
            attention_scaling=attention_scaling,
            backend=backend,
            devices=opening.devices,
        )
        self._limit = self._extension.target
        self._tokenizer = self._extension.tokenizer(self._model)
        self._cut = Wanted(layers, truncate_dim, head, heads, allow_untrained).cut(
            self._model,
            self._name,
            dim_of(self._model),
            folder=None if isinstance(model, SentenceTransformer) else folder_of(model, revision),
            fingerprint=self._whole_fingerprint,
        )
        self._fitting: Fitting | None = None
        if self._tokenizer is not None:
            self._fitting = Fitting(self._tokenizer, self._limit, on_truncate, self._name)
            self._fitting.check_prompts(self._prompts)
        self._windows = self._extension.windows(self._cut.model, self._name, self._prompts)
        self._forward = opening.forward(
            self._extension.applied(self._cut.model),
            self._tokenizer if self._windows is None else self._windows.tokenizer,
            batch_tokens,
        )

    @property
    def dim(self) -> int:
        return self._cut.dim

    @property
    def max_tokens(self) -> int | None:
        """The most tokens that the model reads, special tokens included; None without a limit."""
        return self._limit

    @cached_property
    def special_tokens(self) -> int:
        """Tokens that the model adds to each document: its special ones, and the prompt's."""
        return 0 if self._tokenizer is None else self._tokenizer.specials(self._prompts["document"])

    @property
    def tokenizer_name(self) -> str:
        """What a passport calls this tokenizer."""
        return f"sentence-transformers:{self._name}"

    @cached_property
    def fingerprint(self) -> str:
        """Changes with any weight, with the tokenizer, the pooling, the prompts and the length."""
        more = self._cut.settings()
        if self._dtype == "int8":  # the other formats have the same vectors, nearly to the bit
            more["dtype"] = self._dtype
        return self._fingerprint(self._cut.model, self._cut.dim, more)

    @cached_property
    def aligned_to(self) -> str | None:
        """The fingerprint of the encoder whose documents its queries may meet, besides its own.

        As it was given, or that of the model that a ridge maps into, or that of a Router's route
        for documents (as LEAF's asymmetric models have one: Vujanic and Rueckstiess 2025).
        """
        told = self._aligned_to or self._cut.aligned_to
        documents = None if told else document_route(self._model)
        return told if documents is None else self._twin(documents).fingerprint

    @property
    def model(self) -> SentenceTransformer:
        """The model that was given or loaded, with all its layers."""
        return self._model

    def at_depth(self, layers: int | None) -> "SentenceEncoder":
        """The same encoder after `layers` layers, None for all, to measure it or to fit a head.

        All dimensions, no head, no cache; nothing of the model is copied.
        """
        twin = self._twin(self._model, layers=layers, allow_untrained=True)
        twin._name = self._name
        return twin

    def _twin(self, model: SentenceTransformer, **more: Any) -> "SentenceEncoder":
        """An encoder of another model with the same prompts and treatment of texts, no cache."""
        return SentenceEncoder(
            model,
            normalize=self._normalize,
            on_truncate=self.on_truncate,
            **self._extension.arguments(),
            cache="off",
            query_prompt=self._prompts["query"],
            document_prompt=self._prompts["document"],
            **more,
        )

    def _whole_fingerprint(self) -> str:
        return self._fingerprint(self._model, dim_of(self._model), {})  # of an int8 encoder too

    def _fingerprint(self, model: SentenceTransformer, dim: int, more: Mapping[str, Any]) -> str:
        settings: dict[str, Any] = {
            "prompts": [self._prompts["query"], self._prompts["document"]],
            "max_tokens": self.max_tokens,
            "dim": dim,
            "normalize": self._normalize,
            **self._extension.settings(),
            **more,
        }
        if self.on_truncate in ("split", "window"):
            settings["on_truncate"] = self.on_truncate
        return model_fingerprint(model, self._tokenizer, settings)

    def identity(self) -> dict[str, Any]:
        """What a passport keeps of this encoder."""
        return {
            "name": "sentence-transformers",
            "model": self._name,
            "dim": self._cut.dim,
            "normalize": self._normalize,
            "prompts": dict(self._prompts),
            "max_tokens": self.max_tokens,
            **self._extension.settings(),
            **self._cut.told(),
            "dtype": self._forward.dtype,
        }

    def close(self) -> None:
        """End the processes of several devices, where there are some, and close the cache."""
        self._forward.close()
        self.cache.close()

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        """float32[len(texts), dim], in the order given; empty texts and long ones as documents."""
        return self._encode(texts, "query")

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        """float32[len(texts), dim], in the order given.

        An empty text gives a zero row; a text longer than `max_tokens` follows `on_truncate`. A
        RetrievoWarning counts each kind. Raises EncoderError, with the places of the texts, for
        texts that are too long and for vectors with a non-finite number.
        """
        return self._encode(texts, "document")

    def token_spans(self, text: str) -> Spans:
        """int32[n, 2]: where the tokens of the text are, in characters, without special tokens.

        Raises EncoderError where the model has no fast tokenizer.
        """
        if self._tokenizer is None:
            raise EncoderError(
                f"the model {self._name} has no tokenizer that tells where its tokens are; "
                "set tokenizer = 'static' in [chunker]"
            )
        return self._tokenizer.token_spans(text)

    @cached_property
    def spans_refused(self) -> str | None:
        """Why `encode_spans` cannot do its work with this model; None where it can."""
        return late.refusal(self._cut.model, self._tokenizer)

    def encode_spans(
        self, texts: Sequence[str], spans: Sequence[Spans], contexts: Sequence[str] | None = None
    ) -> list[Vectors]:
        """For each text float32[n, dim]: the vectors of its n spans, read in the whole text.

        `spans[i]` is int[n, 2], start and end in characters of `texts[i]`; a span's vector is the
        mean of its tokens' states (late chunking). Texts longer than `max_tokens` are read in
        macro-windows that overlap, each token in the one where it has most context; `contexts[i]`
        is read before each of them. A span without a token has a zero row. Raises EncoderError
        where `spans_refused` says why, and for spans outside of their text.
        """
        if self._tokenizer is None or self.spans_refused is not None:
            raise EncoderError(f"{self._name} cannot encode spans: {self.spans_refused}")
        given, wanted = list(texts), late.checked_spans(texts, spans)
        around = late.checked_contexts(given, contexts)
        self._check_unchanged()
        if not given:
            return []
        prompt = self._prompts["document"]
        self._forward.settle(given, prompt=prompt, side="document")
        at_once = self._extension.at_once
        pooling = late.LatePooling(self._cut.model, self._tokenizer, self._forward, at_once)
        return pooling.pooled(given, wanted, around, prompt, self._finished)

    @cached_property
    def tokens_refused(self) -> str | None:
        """Why `encode_tokens` cannot do its work with this model; None where it can."""
        return token_states.refusal(self._cut.model, self._tokenizer)

    def encode_tokens(self, texts: Sequence[str], *, query: bool) -> MultiRows:
        """For each text a unit vector, float32[dim], for each of its tokens (late interaction).

        The tokens are those of `token_spans`, in their order: special tokens and the prompt, which
        is that of the side, are read and have none. Texts longer than `max_tokens` are read in
        overlapping macro-windows, none is cut; an empty text has no vectors. Raises EncoderError
        where `tokens_refused` says why, and for vectors with a non-finite number.
        """
        if self._tokenizer is None or self.tokens_refused is not None:
            raise EncoderError(f"{self._name} cannot encode tokens: {self.tokens_refused}")
        given, places, n = given_texts(texts)
        self._check_unchanged()
        side: Side = "query" if query else "document"
        prompt = self._prompts[side]
        if given:
            self._forward.settle(given, prompt=prompt, side=side)
        at_once = self._extension.at_once
        states = TokenStates(self._cut.model, self._tokenizer, self._forward, at_once)
        try:
            made = states.encoded(given, prompt, side, self._finished, self.dim)
        except EncoderError as error:
            error.texts = tuple(places[list(error.texts)].tolist())
            raise
        sizes = np.zeros(n, np.int64)
        sizes[places] = np.diff(made.indptr)
        return MultiRows(np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64), made.vectors)

    def _check_unchanged(self) -> None:
        if limit_of(self._model) != self._extension.declared:
            raise EncoderError(
                f"max_seq_length of {self._name} was {self._extension.declared} when this encoder "
                f"was made and is {limit_of(self._model)} now: make a new SentenceEncoder of it"
            )

    def _encode(self, texts: Iterable[str], side: Side) -> Vectors:
        given, rows, n = given_texts(texts)
        self._check_unchanged()
        vectors = np.zeros((n, self._cut.dim), dtype=np.float32)
        if given:
            prompt = self._prompts[side]
            self._forward.settle(given, prompt=prompt, side=side)
            try:
                made = self.cache.encode(
                    given,
                    side=side,
                    prompt=prompt,
                    # A narrow format that "auto" chose is none of the fingerprint's business; and
                    # what was cut under "warn" must not be found under "error".
                    fingerprint=f"{self.fingerprint} {self._forward.dtype} {self.on_truncate}",
                    dim=self._cut.dim,
                    make=lambda missing: self._make(missing, side),
                )
            except EncoderError as error:
                # Places among all texts: the empty ones were left out.
                error.texts = tuple(rows[list(error.texts)].tolist())
                raise
            vectors[rows] = made.vectors
            tell_truncated(given, made, self._name, self.max_tokens)
        tell_empty(n - len(given), n)
        return vectors

    def _make(self, texts: Sequence[str], side: Side) -> Encoded:
        made: list[Encoded] = []
        start = 0
        for part in slabs(texts):
            try:
                made.append(self._slab(part, side))
            except EncoderError as error:
                error.texts = tuple(start + place for place in error.texts)
                raise
            start += len(part)
        if len(made) == 1:
            return made[0]
        return Encoded(*(np.concatenate(arrays) for arrays in zip(*made, strict=True)))

    def _slab(self, texts: Sequence[str], side: Side) -> Encoded:
        prompt = self._prompts[side]
        if self._fitting is None:
            vectors = self._forward.run(texts, None, prompt=prompt, side=side)
            unknown = np.full(len(texts), -1, dtype=np.int32)
            return Encoded(self._finished(vectors), unknown, unknown)
        fitted = self._fitting.fit(texts, prompt)
        if self._windows is not None:
            fitted = self._windows.of(fitted, prompt)
        vectors = self._forward.run(fitted.texts, fitted.tokens, prompt=prompt, side=side)
        vectors = fitted.joined(vectors)
        if self._windows is not None:
            vectors = self._windows.finished(vectors)
        return Encoded(self._finished(vectors), fitted.tokens_total, fitted.tokens_seen)

    def _finished(self, vectors: Vectors) -> Vectors:
        """Through the head, sliced, unit length, and none of them non-finite."""
        made = self._cut.finish(vectors, normalize=self._normalize)
        bad = np.flatnonzero(~np.isfinite(made).all(axis=1))
        if bad.size:
            raise EncoderError(
                f"the model {self._name} gave non-finite numbers in {self._forward.dtype} for "
                f"{bad.size} of {len(made)} texts; its weights may be damaged, or the dtype too "
                "narrow for it: set dtype = 'float32'",
                texts=bad.tolist(),
            )
        return made
