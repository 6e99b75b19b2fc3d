"""The passport that the parts of a pipeline would stamp into an index."""

from collections.abc import Mapping
from typing import Any

from retrievo.contracts import Chunker, Encoder, Retriever, Space
from retrievo.errors import ConfigError, MismatchError
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
        representations=_spaces(retrievers),
        query_encoder=None if query_encoder is None else encoder_identity(query_encoder),
    )


def _spaces(retrievers: Mapping[str, Retriever]) -> dict[str, Space]:
    spaces: dict[str, Space] = {}
    owner: dict[str, str] = {}
    for retriever, part in retrievers.items():
        for name, space in part.representations.items():
            if name in owner:
                raise ConfigError(
                    f"[retrievers.{owner[name]}] and [retrievers.{retriever}] both keep their "
                    f"representation as {name!r}; give one of them a key representation of its own"
                )
            owner[name] = retriever
            spaces[name] = space
    return spaces


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
