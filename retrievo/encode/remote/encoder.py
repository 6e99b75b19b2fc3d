"""Vectors of an embedding service, whatever its format."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import numpy as np

from retrievo.contracts import Spans
from retrievo.encode.cache import Cache, CacheSetting
from retrievo.encode.checking import given_texts, tell_empty, tell_truncated
from retrievo.encode.encoded import Encoded, Side
from retrievo.encode.remote.answers import unit
from retrievo.encode.remote.asking import PLAIN, Asker
from retrievo.encode.remote.client import Client, RefusedError
from retrievo.encode.remote.connection import Connection
from retrievo.encode.remote.lengths import SPECIALS, EstimatedLengths, read_tokenizer
from retrievo.encode.remote.sending import Sending
from retrievo.encode.remote.wire import Format
from retrievo.encode.static_tokens import static_tokens
from retrievo.encode.transformer.fitting import Fitting, OnTruncate
from retrievo.errors import ConfigError, EncoderError
from retrievo.telling import Counted, tell
from retrievo.tokens import without_surrogates
from retrievo.types import Vectors


class RemoteEncoder:
    """Vectors of an embedding service, float32, unit length unless `normalize` is False.

    Made by the functions of `services`, one for each kind of service. Nothing is sent before a
    text is encoded; but where neither `dim` nor `dimensions` is given, the first use asks for the
    width of a vector, a call with no texts too: its shape is (0, dim). A call
    gives all of its vectors or raises EncoderError: with the places of the texts that the service
    refuses, without places where the service, the key or the request is at fault.
    """

    dense_weight = 0.5
    """Its share beside BM25 in the default fusion."""

    def __init__(
        self,
        service: str,
        model: str,
        form: Format,
        connection: Connection,
        *,
        dim: int | None,
        dimensions: int | None,
        revision: str | None,
        query_prompt: str,
        document_prompt: str,
        normalize: bool,
        max_tokens: int | None,
        tokenizer_file: str | Path | None,
        on_truncate: OnTruncate,
        batch_items: int,
        batch_tokens: int,
        concurrency: int,
        cache: CacheSetting,
    ) -> None:
        if not model:
            raise ConfigError(f"{service} wants the name of a model")
        numbers = {
            "dim": dim, "dimensions": dimensions, "max_tokens": max_tokens,
            "batch_items": batch_items, "batch_tokens": batch_tokens, "concurrency": concurrency,
        }  # fmt: skip
        for name, number in numbers.items():
            if number is not None and number < 1:
                raise ConfigError(f"{service}: {name} is {number}; a number from 1 is wanted")
        if None not in (dim, dimensions) and dim != dimensions:
            raise ConfigError(f"{service}: dim is {dim} and dimensions {dimensions}; give one")
        if on_truncate not in get_args(OnTruncate):
            raise ConfigError(
                f"{service}: on_truncate is {on_truncate!r}; one of {get_args(OnTruncate)}"
            )
        if on_truncate in ("split", "window") and (tokenizer_file is None or max_tokens is None):
            raise ConfigError(
                f"{service}: on_truncate = {on_truncate!r} wants max_tokens and tokenizer_file, by "
                "which texts are cut into parts that the model reads"
            )
        self.cache = Cache(cache)
        """Vectors of texts that were encoded before."""
        self.max_tokens = max_tokens
        self._service, self._model, self._form = service, model, form
        self._revision, self._dimensions, self._normalize = revision, dimensions, normalize
        self.on_truncate = on_truncate
        self._prompts: Mapping[Side, str] = {
            "query": without_surrogates(query_prompt),
            "document": without_surrogates(document_prompt),
        }
        self._sizes: dict[str, int] = {
            "concurrency": concurrency, "batch_items": batch_items, "batch_tokens": batch_tokens,
        }  # fmt: skip
        self._address = connection.address()
        self._client = Client(connection)
        self._asker = Asker(self._client, form, model)
        self._width = dimensions or dim
        self._turn = threading.Lock()
        self._read = None if tokenizer_file is None else read_tokenizer(tokenizer_file, max_tokens)
        self._fitting: Fitting | None = None
        self._estimated: EstimatedLengths | None = None
        self.token_spans: Callable[[str], Spans]
        if self._read is not None:
            # Without a tokenizer there is no such method, and chunkers count with their own.
            self.token_spans = self._read.tokenizer.token_spans
            self._fitting = Fitting(self._read.tokenizer, max_tokens, on_truncate, model)
        if form.may_cut and (self._read is None or max_tokens is None):
            self._estimated = EstimatedLengths(max_tokens, on_truncate, self._asker.who)

    def __repr__(self) -> str:
        return f"RemoteEncoder({self._asker.who}, model={self._model!r})"

    @property
    def dim(self) -> int:
        """How many numbers a vector has; asked of the service, once, where nothing says it.

        Raises EncoderError where the service cannot be asked.
        """
        with self._turn:
            if self._width is None:
                try:
                    found = self._asker.ask([PLAIN], "document", None, threading.Event())
                except RefusedError:
                    again = self._asker.check_plain("document", None, threading.Event())
                    assert again  # else it would have raised
                    found = self._asker.ask([PLAIN], "document", None, threading.Event())
                self._width = int(found.vectors.shape[1])
            return self._width

    @cached_property
    def special_tokens(self) -> int:
        """Tokens beside those of a document: the model's special ones, and the prompt's."""
        prompt = self._prompts["document"]
        if self._read is not None:
            return self._read.tokenizer.specials(prompt)
        return SPECIALS + (static_tokens().count(prompt) if prompt else 0)

    @property
    def tokenizer_name(self) -> str:
        """What a passport calls this tokenizer."""
        return f"{self._service}:{self._model}"

    @property
    def tokens_used(self) -> int:
        """Tokens that the service says that it has counted, since the encoder was made."""
        return self._asker.tokens_used

    @cached_property
    def fingerprint(self) -> str:
        """Changes with what is asked of the service: model, revision, dimensions, prompts, sides.

        Weights that a service changes behind the same name do not show.
        """
        settings: dict[str, Any] = {
            "service": self._service,
            "model": self._model,
            "revision": self._revision,
            "dimensions": self._dimensions,
            "prompts": dict(self._prompts),
            "sides": self._form.settings(),
            "normalize": self._normalize,
        }
        if self.on_truncate in ("split", "window") and self._read is not None:
            settings["parts"] = [self.on_truncate, self.max_tokens, self._read.digest]
        told = json.dumps(settings, sort_keys=True, default=str)
        return hashlib.blake2b(told.encode(), digest_size=16).hexdigest()

    @cached_property
    def _kept_under(self) -> str:
        """The fingerprint, and what changes which texts are refused, cut or told of.

        The address too: two hosts may serve other weights by one name, which an index cannot know
        but need not be mixed up here.
        """
        told = [self._address, self.on_truncate, self.max_tokens, self._form.may_cut]
        read = None if self._read is None else self._read.digest
        return json.dumps([self.fingerprint, *told, read])

    def identity(self) -> dict[str, Any]:
        """What a passport keeps of this encoder."""
        return {
            "name": self._service,
            "model": self._model,
            "revision": self._revision,
            "dim": self.dim,
            "normalize": self._normalize,
            "prompts": dict(self._prompts),
            "sides": self._form.settings(),
            "max_tokens": self.max_tokens,
            "dtype": "float32",
        }

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        """float32[len(texts), dim], in the order given; empty texts and long ones as documents."""
        return self._encode(texts, "query")

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        """float32[len(texts), dim], in the order given.

        An empty text gives a zero row, and is not sent; a text longer than `max_tokens` follows
        `on_truncate`. A RetrievoWarning counts each kind. Raises EncoderError as the class says.
        """
        return self._encode(texts, "document")

    def close(self) -> None:
        """Let go of the connections; the next use opens them again."""
        self._client.close()
        self.cache.close()

    def _encode(self, texts: Iterable[str], side: Side) -> Vectors:
        given, rows, n = given_texts(texts)
        prompt = self._prompts[side]
        try:
            vectors = np.zeros((n, self.dim), dtype=np.float32)
            if self._estimated is not None:
                # All texts: of those whose vectors are kept nothing else says that they were cut.
                unsure, what = self._estimated.check(given, prompt)
                if unsure:
                    tell(Counted(unsure, len(given), what), stacklevel=3)
            made = self.cache.encode(
                given,
                side=side,
                prompt=prompt,
                fingerprint=self._kept_under,
                dim=self.dim,
                make=lambda missing: self._make(missing, side),
            )
        except EncoderError as error:
            # Places among all texts: the empty ones were left out.
            error.texts = tuple(rows[list(error.texts)].tolist())
            raise
        finally:
            for note in self._asker.take_notes():
                tell(note, stacklevel=3)
        vectors[rows] = made.vectors
        tell_truncated(given, made, self._model, self.max_tokens)
        tell_empty(n - len(given), n)
        return vectors

    def _make(self, texts: list[str], side: Side) -> Encoded:
        prompt = self._prompts[side]
        unknown = np.full(len(texts), -1, np.int32)
        if self._fitting is None:
            return Encoded(self._sent([prompt + text for text in texts], side), unknown, unknown)
        fitted = self._fitting.fit(texts, prompt)
        try:
            parts = self._sent([prompt + text for text in fitted.texts], side)
        except EncoderError as error:
            if fitted.owners is not None:
                owners = fitted.owners[list(error.texts)].tolist()
                reasons = dict(zip(reversed(owners), reversed(error.reasons), strict=True))
                error.texts = tuple(sorted(reasons))
                error.reasons = tuple(reasons[owner] for owner in error.texts)
            raise
        vectors = fitted.joined(parts)
        if fitted.owners is not None and self._normalize:
            vectors = unit(vectors)
        return Encoded(vectors, fitted.tokens_total, fitted.tokens_seen)

    def _sent(self, texts: list[str], side: Side) -> Vectors:
        sending = Sending(self._asker, texts, side, self.dim)
        vectors = sending.run(**self._sizes)
        return unit(vectors) if self._normalize else vectors
