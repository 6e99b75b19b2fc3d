"""The passport that the parts of a pipeline would stamp into an index."""

from collections.abc import Mapping
from typing import Any

from retrievo.contracts import Chunker, Encoder, Retriever, Space
from retrievo.errors import ConfigError
from retrievo.passport import Passport


def passport_of(
    encoder: Encoder,
    chunker: Chunker | None,
    retrievers: Mapping[str, Retriever],
    query_encoder: Encoder | None,
) -> Passport:
    """What the parts say of themselves, and their class where they say nothing.

    A search needs no chunker, and compares none.
    """
    return Passport(
        encoder=encoder_identity(encoder),
        chunker={} if chunker is None else chunker_identity(chunker),
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


def encoder_identity(encoder: Encoder) -> dict[str, Any]:
    told = getattr(encoder, "identity", None)
    identity = dict(told()) if callable(told) else {"name": type(encoder).__name__}
    # What a search needs to know of an encoder that it need not build.
    weight = getattr(encoder, "dense_weight", None)
    known = {"fingerprint": encoder.fingerprint, "dim": encoder.dim, "dense_weight": weight}
    return {**identity, **known}


def chunker_identity(chunker: Chunker) -> dict[str, Any]:
    told = getattr(chunker, "parameters", None)
    return dict(told()) if callable(told) else {"name": type(chunker).__name__}
