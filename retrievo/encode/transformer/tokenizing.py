"""Token ids of a transformer's fast tokenizer, and where its tokens are in a text."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from tokenizers import Tokenizer as FastTokenizer

from retrievo.contracts import Spans
from retrievo.tokens import spans_in_pieces, without_surrogates


class Tokens(NamedTuple):
    """Ids of one text as a model takes them, prompt and specials included, and the type of each."""

    ids: list[int]
    types: list[int]


class TransformerTokenizer:
    """A copy of a model's fast tokenizer that cuts and pads nothing.

    A copy, because a model sets truncation and padding on its own while it encodes, which another
    thread must not change.
    """

    def __init__(
        self, fast: FastTokenizer, max_tokens: int | None, *, cut_at: str = "right"
    ) -> None:
        told = fast.to_str()
        self._whole = FastTokenizer.from_str(told)
        self._whole.no_truncation()
        self._whole.no_padding()
        self._whole.encode_special_tokens = bool(fast.encode_special_tokens)
        self._cutting = self._whole
        self.cut_at = cut_at
        """The side that a text which is too long loses: "right" is its end."""
        if max_tokens is not None:
            self._cutting = FastTokenizer.from_str(told)
            self._cutting.no_padding()
            self._cutting.enable_truncation(max_tokens, direction=cut_at)
            self._cutting.encode_special_tokens = bool(fast.encode_special_tokens)

    def tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """The tokens of each text, whatever its length."""
        return [Tokens(e.ids, e.type_ids) for e in self._whole.encode_batch(list(texts))]

    def cut(self, text: str) -> Tokens:
        """The tokens that the model reads of a text: at most its limit."""
        cut = self._cutting.encode(text)
        return Tokens(cut.ids, cut.type_ids)

    @cached_property
    def fingerprint(self) -> list[str]:
        """Changes with any entry of the vocabulary, with what is made of a text, and the side that
        is cut; the same in all versions of the library, whose own form of a tokenizer is not.
        """
        digest = hashlib.blake2b(digest_size=16)
        for entry, number in sorted(self._whole.get_vocab(with_added_tokens=True).items()):
            digest.update(f"{number}\t{entry}\n".encode("utf-8", "surrogatepass"))
        return [digest.hexdigest(), self.cut_at]

    def specials(self, prompt: str) -> int:
        """How many tokens go to the prompt and to what the model adds around each text."""
        return len(self._whole.encode(prompt).ids)

    def around(self) -> tuple[tuple[list[int], list[int]], int]:
        """The special tokens before a text and behind it, and the type of a text's tokens."""
        found = self._whole.encode("a")
        own = [place for place, special in enumerate(found.special_tokens_mask) if not special]
        first, last = (own[0], own[-1] + 1) if own else (len(found.ids), len(found.ids))
        kind = found.type_ids[first] if own else 0
        return (found.ids[:first], found.ids[last:]), kind

    def ids_and_spans(self, text: str) -> tuple[list[int], Spans]:
        """The ids of a text of any length, without special tokens, and where the tokens are."""
        ids: list[int] = []

        def piece_spans(piece: str) -> Spans:
            found = self._whole.encode(piece, add_special_tokens=False)
            ids.extend(found.ids)
            return np.array(found.offsets, dtype=np.int32).reshape(-1, 2)

        spans = spans_in_pieces(piece_spans, without_surrogates(text))
        return ids, spans

    def token_spans(self, text: str) -> Spans:
        """int32[n, 2]: where the tokens of the text are, in characters, without special tokens."""
        return self.ids_and_spans(text)[1]


def tokenizer_of(model: Any) -> TransformerTokenizer | None:
    """The tokenizer of a SentenceTransformer, None where it has none that tells its offsets."""
    tokenizer = getattr(model, "tokenizer", None)
    fast = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if not isinstance(fast, FastTokenizer):
        return None
    side = str(getattr(tokenizer, "truncation_side", "right"))
    return TransformerTokenizer(fast, limit_of(model), cut_at=side)


def limit_of(model: Any) -> int | None:
    """The most tokens that a SentenceTransformer reads; None where it has no limit.

    Tokenizers without one say 10^30, and static embeddings say infinity.
    """
    limit = model.max_seq_length
    return int(limit) if limit and limit < 10**9 else None
