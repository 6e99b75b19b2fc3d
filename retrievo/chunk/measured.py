"""One text with its tokens, and how many of them each slice has when it stands alone."""

import re
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from retrievo.contracts import Tokenizer
from retrievo.tokens import spans_in_pieces, without_surrogates

# Byte-level vocabularies have tokens such as ")" and the line break after it in one.
_SPACE = re.compile(r"(?<=[^\W_])\s|(?<=\S) ")
_BREAK_SEEN = 32


class Measured:
    """A text tokenized once. `starts` is int64[n]: where each token starts, in characters."""

    def __init__(self, text: str, tokenizer: Tokenizer) -> None:
        self.text = without_surrogates(text)
        self._spans = tokenizer.token_spans
        self._count: Callable[[str], int] | None = getattr(tokenizer, "count", None)
        # A tokenizer that counts quickly is one that takes any text at once.
        whole = self._spans(self.text) if self._count else spans_in_pieces(self._spans, self.text)
        self.starts: npt.NDArray[np.int64] = whole[:, 0].astype(np.int64)
        self._known: dict[str, int] = {}

    def index(self, place: int) -> int:
        """The number of the first token that starts at `place` or later."""
        return int(self.starts.searchsorted(place))

    def count(self, start: int, end: int) -> int:
        """How many tokens `text[start:end]` has, alone. It must begin and end without white space.

        A tokenizer that counts quickly is asked. Of others only what stands at the edges is
        tokenized again: the middle has the tokens that it has in the whole text, because no
        common tokenizer lets a token go on from one word into the white space before the next.
        """
        text = self.text
        if self._count is not None:
            return self._count(text[start:end])
        space = _SPACE.search(text, start, end)
        cut_inside = end < len(text) and not text[end].isspace()
        if space is None or cut_inside:
            return len(self._spans(text[start:end]))
        first = space.start()
        tokens = self.index(end) - self.index(first) + self._alone(text[start:first])
        if end < len(text) and text[end] != " " and not text[end - 1].isalnum():
            tokens += self._without_break(first, end)
        return tokens

    def _alone(self, word: str) -> int:
        """The tokens of a word; many chunks begin with the same few."""
        found = self._known.get(word)
        if found is None:
            found = self._known[word] = len(self._spans(word))
        return found

    def _without_break(self, start: int, end: int) -> int:
        """How many tokens more a slice's last word has where no line break follows it."""
        text = self.text
        word = end
        while word > start and not text[word - 1].isspace():
            word -= 1
        after = end
        while after < min(len(text), end + _BREAK_SEEN) and text[after].isspace():
            after += 1
        followed = self._spans(text[word:after])
        inside = int(np.count_nonzero(np.asarray(followed)[:, 0] < end - word))
        return self._alone(text[word:end]) - inside
