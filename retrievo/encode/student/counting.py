"""Tokens, and pairs of tokens, of a text with their weights: what a static student is linear in."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import chain, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from retrievo.encode.static_tokens import _Remembered as Remembered
from retrievo.errors import ConfigError
from retrievo.tokens import PIECE, without_surrogates

Ids = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float32]

_BATCH = 1_024
_SHORT = 2_000  # characters

# Steps of the tokenizers library that no space, and nothing across a space, makes a difference to.
_SPLITTING = {"BertPreTokenizer", "Whitespace", "WhitespaceSplit"}
_LOCAL = _SPLITTING | {
    "none",
    "BertNormalizer",
    "Lowercase",
    "StripAccents",
    "NFC",
    "NFD",
    "NFKC",
    "NFKD",
    "Digits",
    "Punctuation",
}


class TokenCounter:
    """What a text has of each column: first the tokens of a tokenizer, then pairs of neighbours.

    `pairs` are int64, ascending: first · vocabulary + second. A text has a pair where the second
    token follows the first. Special tokens are not added, and those in a text are plain text.
    """

    def __init__(self, tokenizer_json: str, pairs: Ids | None = None) -> None:
        try:
            tokenizer = Tokenizer.from_str(tokenizer_json)
        except Exception as error:  # the library raises nothing more particular
            raise ConfigError(f"this is no tokenizer that can be read: {error}") from error
        tokenizer.no_truncation()
        tokenizer.no_padding()
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        self._encode: Callable[..., Any] = tokenizer.encode
        # Ids may have gaps, so that there are more of them than entries.
        self.vocabulary = 1 + max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1)
        self.pairs = np.zeros(0, np.int64) if pairs is None else pairs
        told = json.loads(tokenizer_json)
        self._words = Remembered(self._ids_of_word) if _parts_at_spaces(told) else None
        self._plain = _plain_words(told)

    @property
    def columns(self) -> int:
        """How many tokens and pairs there are."""
        return self.vocabulary + len(self.pairs)

    def ids(self, text: str) -> Ids:
        """int64[n]: the tokens in order; U+FFFD stands for a lone surrogate."""
        text = without_surrogates(text)
        if len(text) <= PIECE:
            return np.array(self._encode(text, None, False, False).ids, np.int64)
        parts = [self._encode(piece, None, False, False).ids for piece in _pieces(text)]
        return np.concatenate([np.array(part, np.int64) for part in parts])

    def ids_of(self, texts: Sequence[str]) -> list[Ids]:
        """`ids` of each text, faster than one by one."""
        found: list[Ids] = []
        for at in range(0, len(texts), _BATCH):
            batch = [without_surrogates(text) for text in texts[at : at + _BATCH]]
            if max(map(len, batch)) > PIECE:
                found += map(self.ids, batch)
            else:
                made = self._tokenizer.encode_batch_fast(batch, add_special_tokens=False)
                found += [np.array(one.ids, np.int64) for one in made]
        return found

    def count(self, ids: Ids) -> tuple[Ids, Ids]:
        """The columns that a text of these tokens has, ascending, and how often it has each."""
        columns, counts = np.unique(ids, return_counts=True)
        keys = self.pairs
        if len(keys) and ids.size > 1:
            found = ids[:-1] * self.vocabulary + ids[1:]
            places = keys.searchsorted(found)
            np.minimum(places, len(keys) - 1, out=places)
            places = places[keys[places] == found]
            if places.size:
                pairs, times = np.unique(places, return_counts=True)
                columns = np.concatenate([columns, pairs + self.vocabulary])
                counts = np.concatenate([counts, times])
        return columns, counts

    @cached_property
    def _pair_columns(self) -> dict[int, int]:
        return {pair: self.vocabulary + at for at, pair in enumerate(self.pairs.tolist())}

    def weighted(self, text: str) -> tuple[Ids, Weights]:
        """The columns that a text has, and their weights: a short text's in a few microseconds."""
        if len(text) > _SHORT:
            columns, counts = self.count(self.ids(text))
            return columns, self.weights(columns, counts)
        if self._words is not None:
            ids = list(chain.from_iterable(map(self._words.__getitem__, text.split(" "))))
        else:
            ids = self._encode(without_surrogates(text), None, False, False).ids
        # An array of ten numbers takes longer to count than the numbers do.
        vocabulary, column = self.vocabulary, self._pair_columns.get
        pairs = [
            found
            for first, second in pairwise(ids)
            if (found := column(first * vocabulary + second)) is not None
        ]
        total = len(ids)
        if len(set(ids)) == total and len(set(pairs)) == len(pairs):
            size = total + len(pairs)
            return np.array(ids + pairs, np.int64), np.full(size, 1 / max(total, 1), np.float32)
        tokens = Counter(ids)
        counts = np.array([*tokens.values(), *(times := Counter(pairs)).values()], np.float32)
        roots = np.sqrt(counts)
        return np.array([*tokens, *times], np.int64), roots / roots[: len(tokens)].sum()

    def _ids_of_word(self, word: str) -> tuple[int, ...]:
        # WordPiece takes the longest entry first: a plain word that is one is not looked into.
        if word in self._plain and word.isascii() and word.isalpha() and word.islower():
            return (self._plain[word],)
        return tuple(self._encode(without_surrogates(word), None, False, False).ids)

    def weights(self, columns: npt.NDArray[np.integer], counts: npt.NDArray[np.integer]) -> Weights:
        """The root of each count, over the sum of the roots of the tokens' counts.

        The root keeps a word that is repeated from drowning the others; the sum makes the tokens'
        weights a mean, so that a short query is as long as a document. Neither depends on other
        documents, and so sums of what is weighted with them stay valid when documents come.
        """
        roots = np.sqrt(counts, dtype=np.float32)
        total = roots[: columns.searchsorted(self.vocabulary)].sum()
        weights: Weights = roots / max(total, np.float32(1.0))
        return weights


def _plain_words(told: dict[str, Any]) -> dict[str, int]:
    """The entries of which each is the one token of a word of plain letters; most words of texts.

    None for tokenizers of another model than WordPiece, or with added tokens inside words.
    """
    added = told.get("added_tokens") or ()
    if told["model"].get("type") != "WordPiece" or any(one["content"].isalpha() for one in added):
        return {}
    entries: dict[str, int] = told["model"]["vocab"]
    return entries


def _parts_at_spaces(told: dict[str, Any]) -> bool:
    """Whether a text's tokens are those of what is between its spaces, one after the other.

    True of the tokenizers of BERT and its kin; byte-pair ones give a space to the word behind it.
    """
    steps = {
        step["type"]
        for kind, many in (("normalizer", "normalizers"), ("pre_tokenizer", "pretokenizers"))
        for whole in [told.get(kind) or {"type": "none"}]
        for step in whole.get(many, [whole])
    }
    return (
        steps <= _LOCAL
        and bool(steps & _SPLITTING)
        and not any(" " in added["content"] for added in told.get("added_tokens") or ())
    )


def _pieces(text: str) -> list[str]:
    # Most tokenizers take more than twice the time for a word twice as long.
    pieces, start = [], 0
    while start < len(text):
        end = start + PIECE
        if end < len(text):
            space = text.rfind(" ", start + 1, end)
            end = space if space > 0 else end
        pieces.append(text[start:end])
        start = end
    return pieces
