"""The passport that the parts of a pipeline would stamp into an index."""

from collections.abc import Mapping
from typing import Any

from retrievo.contracts import Chunker, Encoder, Retriever
from retrievo.errors import MismatchError
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


def check_pair(encoder: Encoder, query_encoder: Encoder | None) -> None:
    """Raise MismatchError unless queries of the one can be compared with documents of the other.

    They can when both are the same model, or when the query encoder says by `aligned_to` that it
    was made for the document encoder's fingerprint.
    """
    if query_encoder is None or query_encoder.fingerprint == encoder.fingerprint:
        return
    aligned = getattr(query_encoder, "aligned_to", None) == encoder.fingerprint
    if not aligned or query_encoder.dim != encoder.dim:
        raise MismatchError(
            f"the query encoder {_named(query_encoder)} ({query_encoder.dim} dimensions) is not "
            f"aligned to the document encoder {_named(encoder)} ({encoder.dim} dimensions): their "
            "vectors cannot be compared; leave [query_encoder] out, or use one whose aligned_to is "
            f"{encoder.fingerprint}"
        )


def _named(encoder: Encoder) -> str:
    identity = encoder_identity(encoder)
    return str(identity.get("model") or identity["name"])


def encoder_identity(encoder: Encoder) -> dict[str, Any]:
    told = getattr(encoder, "identity", None)
    identity = dict(told()) if callable(told) else {"name": type(encoder).__name__}
    return {**identity, "fingerprint": encoder.fingerprint, "dim": encoder.dim}


def chunker_identity(chunker: Chunker) -> dict[str, Any]:
    told = getattr(chunker, "parameters", None)
    return dict(told()) if callable(told) else {"name": type(chunker).__name__}
