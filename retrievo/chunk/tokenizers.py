"""Which tokenizer counts: an object's own, the static one, or one of tiktoken by its name."""

from importlib import import_module

from retrievo.contracts import Encoder, Tokenizer
from retrievo.errors import ConfigError, MissingExtraError


def resolve_tokenizer(given: object, encoder: Encoder | None = None) -> Tokenizer:
    """The tokenizer that `given` stands for: an object, "static" or "tiktoken:ENCODING".

    None stands for the encoder's, and for the static one where it has none. Raises ConfigError
    for anything else, MissingExtraError where tiktoken is not installed.
    """
    if given is None:
        given = encoder if isinstance(encoder, Tokenizer) else "static"
    if isinstance(given, str):
        return _named(given)
    if isinstance(given, Tokenizer):
        return given
    raise ConfigError(
        f"tokenizer is a {type(given).__name__} without token_spans(text); an encoder that has it, "
        "'static' or 'tiktoken:cl100k_base' is wanted"
    )


def name_of_tokenizer(tokenizer: Tokenizer) -> str:
    """What a passport calls the tokenizer: its own name, or its encoder's and that one's model."""
    name = getattr(tokenizer, "tokenizer_name", None)
    if isinstance(name, str):
        return name
    identity = getattr(tokenizer, "identity", None)
    told = identity() if callable(identity) else {}
    parts = [str(told[key]) for key in ("name", "model") if told.get(key)]
    return ":".join(parts) or f"{type(tokenizer).__module__}:{type(tokenizer).__qualname__}"


def _named(name: str) -> Tokenizer:
    kind, _, encoding = name.partition(":")
    found: Tokenizer
    if name == "static":
        found = import_module("retrievo.encode.static_tokens").static_tokens()
    elif kind == "tiktoken" and encoding:
        try:
            module = import_module("retrievo.chunk.tiktoken_tokens")
        except ImportError as error:
            raise MissingExtraError(
                f"tokenizer {name!r} needs tiktoken, which is not installed ({error}); "
                "run: pip install 'retrievo[tokens]'"
            ) from error
        found = module.TiktokenTokens(encoding)
    else:
        raise ConfigError(
            f"no tokenizer named {name!r}; 'static', 'tiktoken:cl100k_base' (or another encoding "
            "of tiktoken), or an object with token_spans(text) is wanted"
        )
    return found
