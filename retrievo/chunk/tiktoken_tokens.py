"""Token counts of OpenAI's models, through tiktoken."""

import numpy as np
import numpy.typing as npt
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
        self._bytes = np.zeros(self._encoding.n_vocab, dtype=np.int64)

    def token_spans(self, text: str) -> Spans:
        """int32[n, 2], in characters; a token that begins or ends inside one has all of it."""
        ids = np.array(self._encoding.encode_ordinary(text), dtype=np.int64)
        lengths = self._lengths(ids)
        ends = np.cumsum(lengths)
        spans = np.stack([ends - lengths, ends], axis=1)
        if not text.isascii() and len(ids):
            data = np.frombuffer(text.encode("utf-8"), dtype=np.uint8)
            # The character of each byte: continuation bytes are 10xxxxxx.
            character = np.cumsum((data & 0xC0) != 0x80) - 1
            spans = np.stack([character[spans[:, 0]], character[spans[:, 1] - 1] + 1], axis=1)
        return spans.astype(np.int32)

    def _lengths(self, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The bytes of each token; one is looked up when it is first seen."""
        lengths = self._bytes[ids]
        if not lengths.all():
            for new in set(ids[lengths == 0].tolist()):
                self._bytes[new] = len(self._encoding.decode_single_token_bytes(new))
            lengths = self._bytes[ids]
        return lengths
