"""The passport that the parts of a pipeline would stamp into an index."""

from collections.abc import Mapping
from typing import Any

from retrievo.contracts import Chunker, Encoder, Retriever
from retrievo.passport import Passport


def passport_of(
    encoder: Encoder,
    chunker: Chunker,
    retrievers: Mapping[str, Retriever],
    query_encoder: Encoder | None,
) -> Passport:
    """What the parts say of themselves, and their class where they say nothing."""
    return Passport(
        encoder=encoder_identity(encoder),
        chunker=chunker_identity(chunker),
        tokenizer=str(getattr(chunker, "tokenizer_name", "")),
        representations={
            name: space for r in retrievers.values() for name, space in r.representations.items()
        },
        query_encoder=None if query_encoder is None else encoder_identity(query_encoder),
    )


def encoder_identity(encoder: Encoder) -> dict[str, Any]:
    told = getattr(encoder, "identity", None)
    identity = dict(told()) if callable(told) else {"name": type(encoder).__name__}
    return {**identity, "fingerprint": encoder.fingerprint, "dim": encoder.dim}


def chunker_identity(chunker: Chunker) -> dict[str, Any]:
    told = getattr(chunker, "parameters", None)
    return dict(told()) if callable(told) else {"name": type(chunker).__name__}
