"""An encoder that reads the beginning of a text, as a transformer does, and says so."""

import re

import numpy as np
from pipelines import CountingEncoder

from retrievo import EncoderError
from retrievo.telling import tell
from retrievo.truncation import record


class ShortSighted(CountingEncoder):
    """Letter counts of the first `room` tokens; a token is what `words` finds, a word by default.

    With on_truncate "error" it names all texts that are too long, as an encoder must.
    """

    def __init__(self, room, on_truncate="warn", words=r"\w+"):
        super().__init__()
        self.room, self.on_truncate = room, on_truncate
        self.max_tokens = room + 2
        self.special_tokens = 2
        self._find = words if callable(words) else re.compile(words).finditer

    def _encode(self, texts):
        ends = [[match.end() for match in self._find(text)] for text in texts]
        long = [i for i, found in enumerate(ends) if len(found) > self.room]
        if long and self.on_truncate == "error":
            reasons = [f"{len(ends[i])} tokens, {self.room} fit" for i in long]
            raise EncoderError(f"{len(long)} texts are too long", texts=long, reasons=reasons)
        told = [record(texts[i], np.int32(len(ends[i])), np.int32(self.room)) for i in long]
        if not all(told):
            tell(f"{len(long)} of {len(texts)} texts were cut")
        kept = [
            text[: found[self.room - 1]] if len(found) > self.room else text
            for text, found in zip(texts, ends, strict=True)
        ]
        return super()._encode(kept)
