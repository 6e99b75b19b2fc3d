"""Token counts of OpenAI's models, through tiktoken."""

import numpy as np
import tiktoken

from retrievo.contracts import Spans
from retrievo.errors import ConfigError


class TiktokenTokens:
    """Tokens of one of tiktoken's encodings; special tokens in a text are plain text."""

    def __init__(self, encoding: str) -> None:
        self.tokenizer_name = f"tiktoken:{encoding}"
        try:
            self._encoding = tiktoken.get_encoding(encoding)
        except ValueError as error:
            known = ", ".join(tiktoken.list_encoding_names())
            raise ConfigError(
                f"tiktoken has no usable encoding {encoding!r} ({error}); known: {known}"
            ) from error
        except OSError as error:  # requests' errors are OSErrors
            raise ConfigError(
                f"tiktoken could not fetch the vocabulary of {encoding!r} "
                f"({type(error).__name__}); set TIKTOKEN_CACHE_DIR to a folder that holds it, or "
                "use tokenizer = 'static'"
            ) from error

    def token_spans(self, text: str) -> Spans:
        """int32[n, 2], in characters; a token that begins or ends inside one has all of it."""
        ids = self._encoding.encode_ordinary(text)
        lengths = [len(part) for part in self._encoding.decode_tokens_bytes(ids)]
        ends = np.cumsum(lengths, dtype=np.int64)
        spans = np.stack([ends - lengths, ends], axis=1)
        if not text.isascii() and len(ids):
            data = np.frombuffer(text.encode("utf-8"), dtype=np.uint8)
            # The character of each byte: continuation bytes are 10xxxxxx.
            character = np.cumsum((data & 0xC0) != 0x80) - 1
            spans = np.stack([character[spans[:, 0]], character[spans[:, 1] - 1] + 1], axis=1)
        return spans.astype(np.int32)
