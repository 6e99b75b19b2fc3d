"""What an encoder gave, checked: a store must never see anything else than vectors."""

from collections.abc import Sequence

import numpy as np

from retrievo.contracts import Encoder
from retrievo.errors import ConfigError, EncoderError
from retrievo.types import MultiRows, Vectors


def checked_vectors(encoder: Encoder, vectors: Vectors, n: int, dim: int) -> Vectors:
    """float32[n, dim], whatever the encoder thinks it is; a store must never see anything else."""
    name = type(encoder).__name__
    try:
        vectors = np.asarray(vectors, np.float32)
    except (TypeError, ValueError) as error:
        raise EncoderError(f"encoder {name} gave what is no array of numbers: {error}") from error
    if vectors.shape != (n, dim):
        raise EncoderError(
            f"encoder {name} gave an array of shape {vectors.shape} for {n} texts; "
            f"({n}, {dim}) is wanted"
        )
    if not np.isfinite(vectors).all():
        bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1)).tolist()
        raise EncoderError(
            f"encoder {name} gave a vector with NaN or infinity for {len(bad)} of {n} texts, "
            f"number {bad[0]} the first",
            texts=bad,
        )
    return vectors


def check_tokens(who: str, encoder: Encoder, query_encoder: Encoder) -> None:
    """Raise ConfigError, in the name of `who`, unless both give vectors of tokens of one width."""
    for one in (encoder, query_encoder):
        if not hasattr(one, "encode_tokens"):
            raise ConfigError(
                f"{who} wants a vector a token, and the encoder {type(one).__name__} has no "
                "encode_tokens; use 'sentence-transformers' or 'multi-vector' in [encoder]"
            )
        refused = getattr(one, "tokens_refused", None)
        if refused is not None:
            raise ConfigError(f"{who} cannot have the tokens of this encoder: {refused}")
    if query_encoder.dim != encoder.dim:
        raise ConfigError(
            f"the query encoder {type(query_encoder).__name__} has {query_encoder.dim} dimensions, "
            f"the document encoder {encoder.dim}: their tokens cannot be compared"
        )


def checked_tokens(encoder: Encoder, texts: Sequence[str], *, query: bool) -> MultiRows:
    """A row of token vectors for each text. Raises EncoderError for what is none, or no number."""
    if not texts:
        return MultiRows(np.zeros(1, np.int64), np.empty((0, encoder.dim), np.float32))
    encode = getattr(encoder, "encode_tokens")  # noqa: B009  # optional in the contract
    rows = encode(list(texts), query=query)
    if (
        not isinstance(rows, MultiRows)
        or len(rows) != len(texts)
        or rows.vectors.shape != (int(rows.indptr[-1]), encoder.dim)
    ):
        found = type(rows).__name__
        if isinstance(rows, MultiRows):
            found = f"{len(rows)} rows of vectors, an array of {rows.vectors.shape}"
        raise EncoderError(
            f"encode_tokens of {type(encoder).__name__} gave {found} for {len(texts)} texts; as "
            f"many rows of vectors of {encoder.dim} numbers are wanted"
        )
    finite = np.isfinite(rows.vectors).all(axis=1)
    if not finite.all():
        at = int(np.searchsorted(rows.indptr, np.flatnonzero(~finite)[0], side="right")) - 1
        raise EncoderError(
            f"encode_tokens of {type(encoder).__name__} gave NaN or infinity for text {at}",
            texts=[at],
        )
    return MultiRows(rows.indptr, np.asarray(rows.vectors, np.float32))
