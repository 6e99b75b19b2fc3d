"""What counts the tokens of a budget: tiktoken where that needs no network, or the static one."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from retrievo.chunk.tokenizers import resolve_tokenizer
from retrievo.contracts import Tokenizer
from retrievo.telling import tell

ENCODING = "o200k_base"
_VOCABULARY = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"


def token_counter(name: str | None) -> Callable[[str], int]:
    """How many tokens a text has, by the tokenizer of that name.

    Without one by tiktoken's o200k_base where its vocabulary is on this machine: tiktoken would
    fetch it, and nothing is fetched that was not asked for. Else by the static tokenizer, which is
    told. Raises ConfigError, MissingExtraError.
    """
    if name is None:
        name = f"tiktoken:{ENCODING}"
        if not vocabulary_is_here():
            name = "static"
            tell(
                "max_context_tokens is counted by the static tokenizer, as tiktoken or its "
                f"vocabulary of {ENCODING} is not here; context_tokenizer = 'tiktoken:{ENCODING}' "
                "fetches it, 'static' says that this is meant"
            )
    tokenizer = _tokenizer(name)
    return lambda text: len(tokenizer.token_spans(text))


@cache
def _tokenizer(name: str) -> Tokenizer:
    """Kept: a vocabulary is megabytes, and what has been looked up in it is worth keeping."""
    return resolve_tokenizer(name)


def vocabulary_is_here() -> bool:
    """Whether tiktoken is installed and finds the vocabulary in its cache (tiktoken/load.py)."""
    if find_spec("tiktoken") is None:
        return False
    named = os.environ.get("TIKTOKEN_CACHE_DIR", os.environ.get("DATA_GYM_CACHE_DIR"))
    folder = Path(tempfile.gettempdir(), "data-gym-cache") if named is None else Path(named)
    key = hashlib.sha1(_VOCABULARY.encode(), usedforsecurity=False).hexdigest()
    return named != "" and (folder / key).is_file()
