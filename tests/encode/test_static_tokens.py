import sys
from threading import Thread

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from retrievo.encode import static_tokens as module
from retrievo.encode.static_tokens import (
    TOKENIZER_FILE,
    StaticTokens,
    static_tokens,
    wordllama_file,
)
from retrievo.errors import EncoderError, MissingExtraError
from retrievo.testing.texts import ZOO

PIECES = [
    "the", " the", "Rotate", "naïve", "  ", " ", "\n", "\r\n", "\t", "▁", "<s>", "</s>", "<unk>",
    "<0x0A>", "🙂", "é", "e\u0301", "字", "\x00", "3.14", "_x(", "});", "\u2028", "ß",
]  # fmt: skip
MIXED = st.lists(st.one_of(st.sampled_from(PIECES), st.characters()), max_size=25).map("".join)
PROSE = (
    "# Rotating keys\n\nKeys rotate every 90 days (see RFC-2119); the on-call person does it.\n"
    "  1. Open the console, e.g. https://example.org/a?b=c.\n  2. Press “Rotate”.\n\n"
    "```python\ndef rotate(key: str) -> str:\n\treturn key[::-1]  # reversed\n```\n"
)


@pytest.fixture(scope="module")
def plain():
    """The tokenizer as it comes, run over the whole text at once: the reference."""
    tokenizer = Tokenizer.from_file(str(wordllama_file(TOKENIZER_FILE)))
    tokenizer.encode_special_tokens = True

    def encode(text):
        return tokenizer.encode(text, add_special_tokens=False)

    return encode


def same(plain, text):
    made, tokens = plain(text), static_tokens()
    assert tokens.ids(text) == made.ids
    assert tokens.token_spans(text).tolist() == [list(span) for span in made.offsets]
    assert tokens.count(text) == len(made.ids)


@given(text=MIXED)
def test_equals_the_plain_tokenizer_on_any_text(plain, text):
    text = "".join(char for char in text if not "\ud800" <= char <= "\udfff")
    same(plain, text)


@pytest.mark.parametrize("text", [PROSE, PROSE * 3, "", " ", "\n", "  a", "a  ", "a \n b"])
def test_equals_the_plain_tokenizer_on_prose_and_code(plain, text):
    same(plain, text)


@pytest.mark.parametrize("name", [name for name in ZOO if name != "lone surrogates"])
def test_equals_the_plain_tokenizer_in_the_zoo(plain, name):
    same(plain, ZOO[name])


def test_what_the_shortcut_rests_on_holds_for_the_whole_vocabulary():
    tokenizer = Tokenizer.from_file(str(wordllama_file(TOKENIZER_FILE)))
    for piece in tokenizer.get_vocab():
        assert "▁" not in piece.lstrip("▁"), f"{piece!r} has a space after another character"
        assert "\n" not in piece, f"{piece!r} holds a line break"


def test_a_lone_surrogate_counts_as_the_replacement_character():
    tokens = static_tokens()
    assert tokens.ids("a \ud83d b") == tokens.ids("a \ufffd b")
    assert tokens.token_spans("a \ud83d b").max() == 5


def test_marks_of_the_vocabulary_in_a_text_are_plain_text():
    assert not {0, 1, 2} & set(static_tokens().ids("<s> and </s> and <unk>"))


@given(text=st.text(max_size=80))
def test_bytes_bound_the_tokens(text):
    assert static_tokens().count(text) <= len(text.encode("utf-8", "surrogatepass")) + 1


def test_spans_of_a_text_worked_out_by_hand():
    # "▁hello" and "▁world"; 🙂 is not in the vocabulary and has a token for each of its four bytes.
    assert static_tokens().token_spans("hello world").tolist() == [[0, 5], [5, 11]]
    assert static_tokens().token_spans("a 🙂").tolist() == [[0, 1], [1, 2], *[[2, 3]] * 4]


def test_what_is_remembered_is_bounded_and_changes_nothing(monkeypatch):
    monkeypatch.setattr(module, "_WORDS_KEPT", 8)
    tokens = StaticTokens()
    words = [f"word{number}" for number in range(40)]
    for _ in range(2):
        for word in words:
            assert tokens.ids(word) == static_tokens().ids(word)
            assert np.array_equal(tokens.token_spans(word), static_tokens().token_spans(word))
    assert len(tokens._ids) <= 8 and len(tokens._spans) <= 8
    tokens.count("y" * 100)
    assert "y" * 100 not in tokens._ids


def test_a_very_long_word_is_taken_in_pieces():
    tokens = static_tokens()
    text = "ab" * 20_000
    spans = tokens.token_spans(text)
    assert spans[0, 0] == 0 and spans[-1, 1] == len(text) and len(spans) == tokens.count(text)
    assert (spans[1:, 0] == spans[:-1, 1]).all()


def test_threads_get_the_same():
    tokens, found = StaticTokens(), []

    def run():
        found.append([tokens.ids(text) for text in ZOO.values()])

    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and all(one == found[0] for one in found)


def test_without_wordllama_the_pip_line_is_told(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="pip install 'wordllama"):
        wordllama_file(TOKENIZER_FILE)


def test_a_wordllama_without_its_files_is_told(monkeypatch, tmp_path):
    class Found:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr(module, "find_spec", lambda name: Found)
    with pytest.raises(EncoderError, match=r"has no weights/l2_supercat_256\.safetensors"):
        wordllama_file("weights/l2_supercat_256.safetensors")


def test_wordllama_itself_is_not_imported():
    static_tokens().count("a")
    assert "wordllama" not in sys.modules
