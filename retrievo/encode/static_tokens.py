"""The tokenizer of the static encoder, fast because it remembers words."""

import re
from array import array
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import numpy as np
from tokenizers import Tokenizer

from retrievo.contracts import Spans
from retrievo.errors import EncoderError, MissingExtraError
from retrievo.tokens import PIECE, without_surrogates

TOKENIZER_FILE = "tokenizers/l2_supercat_tokenizer_config.json"
WEIGHTS_FILE = "weights/l2_supercat_256.safetensors"

_WORDS_KEPT = 50_000
_LONGEST_KEPT = 64
_UNITS_AT_ONCE = 16_384  # few enough to stay in the processor's memory
# A space may also be written as the mark that the tokenizer itself puts in its place.
_UNIT = re.compile(r"(?<=[ ▁])(?<![ ▁]{2})[ ▁]*[^ ▁\n]*|\n[^ ▁\n]*")


def wordllama_file(name: str) -> Path:
    """The path of a file in the installed wordllama package, which is not imported.

    Raises MissingExtraError without the package, EncoderError where it lacks the file.
    """
    found = find_spec("wordllama")
    if found is None or not found.submodule_search_locations:
        raise MissingExtraError(
            "the static encoder reads its vectors from the package wordllama, which is not "
            "installed; run: pip install 'wordllama>=0.4,<0.5'"
        )
    path = Path(found.submodule_search_locations[0]) / name
    if not path.is_file():
        raise EncoderError(
            f"the installed wordllama has no {name}, which the static encoder reads; "
            "run: pip install --force-reinstall 'wordllama>=0.4,<0.5'"
        )
    return path


Entry = TypeVar("Entry")


class _Remembered(dict[str, Entry]):
    """What was made of words, made where it is first asked for; two generations are kept.

    Common words so outlive the rare ones that fill the memory.
    """

    def __init__(self, make: Callable[[str], Entry]) -> None:
        self._make = make
        self._old: dict[str, Entry] = {}

    def __missing__(self, word: str) -> Entry:
        made = self._old.get(word)
        if made is None:
            made = self._make(word)
        if len(word) <= _LONGEST_KEPT:
            if len(self) >= _WORDS_KEPT:
                self._old = dict(self)
                self.clear()
            self[word] = made
        return made


def _pieces(unit: str) -> list[str]:
    """The unit as the vocabulary writes it, in one piece unless it is very long.

    A unit that begins with a line break is taken as it is; any other has a space before it.
    """
    whole = unit if unit[:1] == "\n" else f"▁{unit}"
    if not unit.isascii():
        whole = without_surrogates(whole)
    if " " in whole:
        whole = whole.replace(" ", "▁")
    if len(whole) <= PIECE:
        return [whole]
    # Byte-pair merging takes more than twice the time for a word twice as long.
    return [whole[at : at + PIECE] for at in range(0, len(whole), PIECE)]


class StaticTokens:
    """Tokens of WordLlama's vocabulary, without special tokens; "<s>" in a text is plain text.

    No piece of this vocabulary has a space after another character, nor a line break beside
    anything. So a text's tokens are those of its words, one after the other, and words repeat:
    what is remembered of them gives the same as the tokenizer run over the whole text, several
    times faster, in linear time. (A word of more than 16,384 characters is tokenized in parts.)
    """

    tokenizer_name = "static"

    def __init__(self) -> None:
        tokenizer = Tokenizer.from_file(str(wordllama_file(TOKENIZER_FILE)))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        tokenizer.encode_special_tokens = True
        # The mark before a word is put there by hand.
        tokenizer.normalizer = None
        self._encode = tokenizer.encode
        self._tokenize = tokenizer.model.tokenize
        self._ids = _Remembered(self._make_ids)
        self._spans = _Remembered(self._make_spans)

    def _make_ids(self, unit: str) -> bytes:
        ids = [token.id for piece in _pieces(unit) for token in self._tokenize(piece)]
        return array("H", ids).tobytes()

    def _make_spans(self, unit: str) -> tuple[bytes, int, int]:
        spans = array("i")
        length = 0
        for piece in _pieces(unit):
            for start, end in self._encode(piece, add_special_tokens=False).offsets:
                spans.append(start + length)
                spans.append(end + length)
            length += len(piece)
        return spans.tobytes(), len(spans) // 2, length

    def packed_ids(self, text: str) -> bytes:
        """The token ids as uint16, two bytes each."""
        return b"".join(map(self._ids.__getitem__, _units(text)))

    def ids(self, text: str) -> list[int]:
        """The token ids in order."""
        return list(array("H", self.packed_ids(text)))

    def count(self, text: str) -> int:
        """How many tokens the text has, standing alone."""
        return len(self.packed_ids(text)) // 2

    def token_spans(self, text: str) -> Spans:
        """int32[n, 2], in characters; a character that has several tokens is the span of each."""
        units = _units(text)
        if not units:
            return np.empty((0, 2), dtype=np.int32)
        blocks = []
        start = -1  # for the space that the tokenizer puts before the text
        for at in range(0, len(units), _UNITS_AT_ONCE):
            entries = [self._spans[unit] for unit in units[at : at + _UNITS_AT_ONCE]]
            # zip(*entries) holds an iterator for each: so many that the garbage collector goes
            # through all units time and again.
            blobs = [entry[0] for entry in entries]
            counts = [entry[1] for entry in entries]
            lengths = [entry[2] for entry in entries]
            ends = np.cumsum(lengths) + start
            starts = (ends - lengths).astype(np.int32)
            inside = np.frombuffer(b"".join(blobs), dtype=np.int32).reshape(-1, 2)
            blocks.append(inside + np.repeat(starts, counts)[:, None])
            start = int(ends[-1])
        spans: Spans = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
        np.maximum(spans[:, 0], 0, out=spans[:, 0])
        np.maximum(spans[:, 1], 1, out=spans[:, 1])
        return spans


def _units(text: str) -> list[str]:
    if not text:
        return []
    if "  " in text or "▁" in text or text[0] == " ":
        return _UNIT.findall(f" {text}")
    # With single spaces only, splitting says the same and is ten times faster.
    return text.replace("\n", " \n").split(" ")


@cache
def static_tokens() -> StaticTokens:
    """The one instance that a process shares, made on first use."""
    return StaticTokens()
