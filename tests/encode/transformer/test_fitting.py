"""What is done with texts that are too long: by hand, and for any text."""

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("tokenizers", reason="needs the extra models")

from tokenizers import Tokenizer, models, pre_tokenizers, processors

from retrievo.encode.transformer.fitting import Fitting, pieces
from retrievo.encode.transformer.tokenizing import TransformerTokenizer
from retrievo.errors import EncoderError

LIMIT = 12


def spans_of(text):
    """Each letter or sign is a token, white space is none."""
    return np.array([m.span() for m in re.finditer(r"\S", text)], np.int32).reshape(-1, 2)


TEXT = st.text(alphabet="ab \n.é", max_size=80)


@given(TEXT, st.integers(1, 12), st.booleans())
def test_pieces_hold_the_whole_text_and_fit(text, room, overlapping):
    spans = spans_of(text)
    found = pieces(text, spans, room, overlapping=overlapping)
    assert bool(found) == bool(len(spans))
    if not found:
        return
    assert (found[0].start, found[-1].end) == (0, len(text))
    for piece in found:
        assert 1 <= piece.tokens <= room
        inside = (spans[:, 0] >= piece.start) & (spans[:, 1] <= piece.end)
        assert inside.sum() == piece.tokens
    for one, after in pairwise(found):
        assert one.start < after.start <= one.end  # nothing is lost between them
    if not overlapping:
        assert all(one.end == after.start for one, after in pairwise(found))
    elif len(spans) > room:
        assert all(piece.tokens == room for piece in found)


def test_pieces_by_hand():
    text = "aaa bbb ccc"  # nine tokens
    whole = pieces(text, spans_of(text), 9, overlapping=False)
    assert [(piece.start, piece.end) for piece in whole] == [(0, 11)]
    # Five fit; "bbb" would be cut, so the first part ends before it.
    cut = pieces(text, spans_of(text), 5, overlapping=False)
    assert [text[piece.start : piece.end] for piece in cut] == ["aaa ", "bbb ", "ccc"]
    # Each begins two tokens after the one before; the last one is moved back to be full.
    windows = pieces(text, spans_of(text), 5, overlapping=True)
    assert [(piece.start, piece.tokens) for piece in windows] == [(0, 5), (2, 5), (5, 5)]


@pytest.fixture(scope="module")
def tokenizer():
    """A token a word, [CLS] and [SEP] around each text."""
    words = {word: at for at, word in enumerate(["?", "[CLS]", "[SEP]", "word"])}
    fast = Tokenizer(models.WordLevel(words, unk_token="?"))
    fast.pre_tokenizer = pre_tokenizers.Whitespace()
    fast.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return TransformerTokenizer(fast, LIMIT)


def fitting(tokenizer, on_truncate):
    return Fitting(tokenizer, LIMIT, on_truncate, "tiny")


def test_an_error_tells_both_numbers_and_the_places(tokenizer):
    texts = ["word " * 10, "word " * 11, "word", "word " * 2_000]
    with pytest.raises(EncoderError, match=r"2 of 4 texts.*one has 2000 tokens, 10 fit") as told:
        fitting(tokenizer, "error").fit(texts, "")
    assert tuple(told.value.texts) == (1, 3)


def test_a_cut_text_is_counted(tokenizer):
    fitted = fitting(tokenizer, "warn").fit(["word " * 2_000, "word"], "")
    assert fitted.tokens_total.tolist() == [2_000, 1]
    assert fitted.tokens_seen.tolist() == [10, 1]
    assert [len(found.ids) for found in fitted.tokens] == [LIMIT, 3]


@pytest.mark.parametrize("prompt", ["", "word word "])
@pytest.mark.parametrize("on_truncate", ["split", "window"])
def test_parts_lose_nothing(tokenizer, on_truncate, prompt):
    texts = ["word", "word " * 2_000, "word " * 3]
    fitted = fitting(tokenizer, on_truncate).fit(texts, prompt)
    assert fitted.tokens_seen.tolist() == fitted.tokens_total.tolist() == [1, 2_000, 3]
    assert max(len(found.ids) for found in fitted.tokens) <= LIMIT
    parts = [text for text, owner in zip(fitted.texts, fitted.owners, strict=True) if owner == 1]
    joined = "".join(parts)
    assert joined == texts[1] if on_truncate == "split" else len(joined) > 1.5 * len(texts[1])
    assert fitted.owners.tolist() == [0] + [1] * len(parts) + [2]


def test_a_mean_is_weighted_by_tokens_and_a_whole_text_keeps_its_vector(tokenizer):
    fitted = fitting(tokenizer, "split").fit(["word", "word " * 13], "")
    sizes = [len(found.ids) for found in fitted.tokens]
    assert len(sizes) == 3 and sizes[0] == 3
    made = np.array([[1 / 3, 0], [1, 0], [0, 1]], np.float32)
    joined = fitted.joined(made)
    assert np.array_equal(joined[0], made[0])
    share = sizes[1] / (sizes[1] + sizes[2])
    np.testing.assert_allclose(joined[1], [share, 1 - share], rtol=1e-6)


@given(st.lists(st.text(alphabet="ab .", max_size=60), min_size=1, max_size=6))
def test_any_texts_fit_afterwards(texts):
    fast = Tokenizer(models.WordLevel({"?": 0, "a": 1}, unk_token="?"))
    fast.pre_tokenizer = pre_tokenizers.Whitespace()
    made = fitting(TransformerTokenizer(fast, LIMIT), "split").fit(texts, "")
    assert all(len(found.ids) <= LIMIT for found in made.tokens)
    owners = range(len(texts)) if made.owners is None else made.owners.tolist()
    for place, text in enumerate(texts):
        parts = [part for part, owner in zip(made.texts, owners, strict=True) if owner == place]
        assert "".join(parts) == text
