"""Contexts that fit beside their chunk into what the encoder reads."""

from retrievo.chunk.measured import Measured
from retrievo.chunk.sizing import first_tokens
from retrievo.chunk.tokenizers import resolve_tokenizer
from retrievo.contracts import Encoder, Tokenizer
from retrievo.telling import Counted, tell

_CUT = (
    "chunks of the documents concerned have less context than they were given, for want of room "
    "in what the encoder reads: set a smaller chunk_size in [chunker]"
)


class Fitting:
    """The room that an encoder has beside a text, in its own tokens, else in the static ones.

    Without an encoder, or where it has no limit, there is room for all.
    """

    def __init__(self, encoder: Encoder | None) -> None:
        limit = None if encoder is None else encoder.max_tokens
        self._room: int | None = None
        if limit is not None:
            self._room = limit - int(getattr(encoder, "special_tokens", 0))
            self._tokenizer = resolve_tokenizer(None, encoder)

    def fit(self, context: str, text: str) -> str:
        """The context, or as much of its beginning, in whole words, as fits beside the text."""
        room = self._room
        # No tokenizer makes more than one token of a byte.
        if room is None or _bytes(context) + 1 + _bytes(text) < room:
            return context
        while context:
            over = _count(f"{context}\n{text}", self._tokenizer) - room
            if over <= 0:
                break
            tokens = len(Measured(context, self._tokenizer).starts)
            context = first_tokens(context, tokens - over, self._tokenizer)
        return context

    def tell_cut(self, cut: int, chunks: int) -> None:
        """Tell of so many contexts that were cut, if there are any, of so many chunks."""
        if cut:
            tell(Counted(cut, chunks, _CUT), stacklevel=4)


def _count(text: str, tokenizer: Tokenizer) -> int:
    count = getattr(tokenizer, "count", None)
    return int(count(text)) if count is not None else len(Measured(text, tokenizer).starts)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
