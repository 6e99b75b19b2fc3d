"""What a chunk's vector knows of its document: nothing, what was read around it, or both.

Wu et al. 2025, SitEmb-v1.5: Improved Context-Aware Dense Retrieval; Guenther et al. 2024, Late
Chunking.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Literal, get_args

import numpy as np

from retrievo.contracts import Encoder, Items
from retrievo.errors import ConfigError, EncoderError
from retrievo.retrieve.vectors import checked_vectors
from retrievo.telling import Counted, tell
from retrievo.titles import begins_with_title
from retrievo.types import Chunk, Document, Vectors

Context = Literal["none", "late", "situated", "situated-pair"]

ALPHA = 0.5
"""The share of a chunk's own vector: both count alike until something says otherwise."""

SITUATED = (
    "The context in which the chunk is situated is given below. Please encode the chunk by being "
    "aware of the context. Context:"
)
"""What stands between a chunk and what is around it for SitEmb's models (Wu et al. 2025, 3.2)."""


class Situating:
    """Makes the vectors of chunks, and fits those of queries to them.

    "none" encodes a chunk with its context, "late" pools its tokens from a reading of the whole
    document, "situated" mixes the two, alpha : 1 - alpha, into one vector of unit length.
    "situated-pair" keeps them side by side, so that the inner product with a query's vector, laid
    out as alpha and 1 - alpha times itself, is the weighted sum of both similarities, and alpha can
    change without indexing anew. With a `residual` encoder the second vector is that one's, of the
    chunk and what is around it, and meets that one's vector of the query.
    """

    def __init__(
        self,
        encoder: Encoder,
        context: Context,
        alpha: float | None,
        residual: Encoder | str | None,
    ) -> None:
        if context not in get_args(Context):
            raise ConfigError(f"context is {context!r}; one of {get_args(Context)} is wanted")
        if context not in ("situated", "situated-pair"):
            _refuse(context, alpha=alpha, residual=residual)
        alpha = ALPHA if alpha is None else alpha
        if not isinstance(alpha, (int, float)) or not 0 <= alpha <= 1:
            raise ConfigError(
                f"alpha is {alpha!r}; the share of a chunk's own vector is from 0 to 1"
            )
        if residual is not None and context != "situated-pair":
            raise ConfigError(
                "residual is a model of its own, whose vectors cannot be mixed with the encoder's; "
                "set context = 'situated-pair'"
            )
        self.encoder, self.context, self.alpha = encoder, context, alpha
        self.residual = _by_name(residual) if isinstance(residual, str) else residual

    @property
    def dim(self) -> int:
        """The size of a chunk's vector."""
        if self.context != "situated-pair":
            return self.encoder.dim
        return self.encoder.dim + (self.residual or self.encoder).dim

    @property
    def settings(self) -> str:
        """What a passport says of it: vectors that were made otherwise are not comparable."""
        if self.context == "situated":
            return f"situated {self.alpha:g}"
        if self.residual is not None:
            return f"situated-pair of {self.residual.fingerprint}"
        return "" if self.context == "none" else self.context

    def documents(self, items: Items) -> Vectors:
        """float32[n, dim], a row for each chunk of the items."""
        if self.context == "none":
            return self._own(items)
        if self.context == "late":
            return self._around(items)
        own, around = self._own(items), self._around(items)
        if self.context == "situated-pair":
            return np.concatenate([own, around], axis=1)
        mixed = self.alpha * own + (1 - self.alpha) * around
        lengths = np.linalg.norm(mixed, axis=1, keepdims=True)
        made: Vectors = (mixed / np.where(lengths > 0, lengths, 1)).astype(np.float32)
        return made

    def queries(self, vectors: Vectors, texts: Sequence[str]) -> Vectors:
        """float32[n, dim]: the encoder's vectors of the queries, fitted to those of chunks."""
        if self.context != "situated-pair":
            return vectors
        second = vectors
        if self.residual is not None:
            found = self.residual.encode_query(texts)
            second = checked_vectors(self.residual, found, len(texts), self.residual.dim)
        made = np.concatenate([self.alpha * vectors, (1 - self.alpha) * second], axis=1)
        return made.astype(np.float32)

    def _own(self, items: Items) -> Vectors:
        texts = [chunk.indexed_text for _, chunks in items for chunk in chunks]
        return _encoded(self.encoder, texts)

    def _around(self, items: Items) -> Vectors:
        """What is around each chunk, by reading it along, else by encoding it as well."""
        if self.residual is not None:
            texts = [
                f"{chunk.indexed_text}\n{SITUATED}\n{around}"
                for document, chunks in items
                for chunk, around in zip(chunks, _neighbourhoods(document, chunks), strict=True)
            ]
            return _encoded(self.residual, texts)
        refused = _spans_refused(self.encoder)
        if refused is None:
            return self._read_along(items)
        name = type(self.encoder).__name__
        if self.context == "late":
            tell(
                f"late chunking is not possible with the encoder {name} ({refused}): chunks are "
                "encoded each on its own, as with context = 'none'"
            )
            return self._own(items)
        tell(
            f"the encoder {name} cannot read chunks in their document ({refused}): what is around "
            "them is encoded as a text of its own"
        )
        texts = [text for document, chunks in items for text in _neighbourhoods(document, chunks)]
        return _encoded(self.encoder, texts)

    def _read_along(self, items: Items) -> Vectors:
        encode = getattr(self.encoder, "encode_spans")  # noqa: B009  # optional in the contract
        starts = np.cumsum([0, *(len(chunks) for _, chunks in items)])
        self._tell_contexts(items)
        try:
            found = encode(
                [document.text for document, _ in items],
                [[(chunk.start, chunk.end) for chunk in chunks] for _, chunks in items],
                [_title(document) for document, _ in items],
            )
        except EncoderError as error:
            # It names texts, which are documents here; an ingest counts chunks.
            error.texts = tuple(int(starts[place]) for place in error.texts)
            raise
        dim = self.encoder.dim
        parts = [
            checked_vectors(self.encoder, vectors, len(chunks), dim)
            for vectors, (_, chunks) in zip(found, items, strict=True)
        ]
        made = np.concatenate([np.empty((0, dim), np.float32), *parts])
        blank = np.flatnonzero(~made.any(axis=1))
        if blank.size:
            # An empty text has a title to be found by, and the other way has a vector for it.
            chunks = [chunk.indexed_text for _, chunks in items for chunk in chunks]
            made[blank] = _encoded(self.encoder, [chunks[at] for at in blank.tolist()])
        return made

    def _tell_contexts(self, items: Items) -> None:
        """What a reading of the document leaves out: contexts that are more than its title."""
        chunks = [(doc, chunk) for doc, mine in items for chunk in mine]
        more = sum(chunk.context not in ("", doc.title.strip()) for doc, chunk in chunks)
        if more:
            tell(
                Counted(
                    more,
                    len(chunks),
                    "chunks have a context that is not in the vector of their document's reading: "
                    "late chunking reads the document and its title; other branches have it",
                )
            )


def _encoded(encoder: Encoder, texts: Sequence[str]) -> Vectors:
    if not texts:
        return np.empty((0, encoder.dim), np.float32)
    return checked_vectors(encoder, encoder.encode_document(texts), len(texts), encoder.dim)


def _spans_refused(encoder: Encoder) -> str | None:
    if not hasattr(encoder, "encode_spans"):
        return "it has no encode_spans"
    refused: str | None = getattr(encoder, "spans_refused", None)
    return refused


def _title(document: Document) -> str:
    title = document.title.strip()
    return "" if begins_with_title(title, document.text.lstrip()) else title


def _neighbourhoods(document: Document, chunks: Sequence[Chunk]) -> list[str]:
    """For each chunk the text from the beginning of the one before to the end of the one behind."""
    last = len(chunks) - 1
    return [
        document.text[chunks[max(0, at - 1)].start : chunks[min(last, at + 1)].end]
        for at in range(len(chunks))
    ]


def _refuse(context: Context, **given: object) -> None:
    for name, value in given.items():
        if value is not None:
            raise ConfigError(f"{name} goes with context = 'situated' or 'situated-pair'")


def _by_name(model: str) -> Encoder:
    """A model of sentence-transformers, which is the form that residual models are published in."""
    try:
        module = import_module("retrievo.encode.sentence")
    except ImportError as error:
        raise ConfigError(
            f"the residual model {model!r} needs sentence-transformers, which is not installed "
            f"({error}); run: pip install 'retrievo[models]'"
        ) from error
    made: Encoder = module.SentenceEncoder(model)
    return made
