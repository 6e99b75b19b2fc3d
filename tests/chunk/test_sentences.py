from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from token_counters import SpaceMatters, Words

from retrievo.chunk.sentence_ends import sentence_ends
from retrievo.chunk.sentences import SentencesChunker
from retrievo.testing.chunkers import ChunkerContract
from retrievo.types import Document


class TestContract(ChunkerContract):
    chunk_size = 32

    @pytest.fixture
    def chunker(self):
        return SentencesChunker(chunk_size=32, chunk_overlap=8)

    def make(self, chunk_size, chunk_overlap):
        return SentencesChunker(chunk_size=chunk_size, chunk_overlap=chunk_overlap)

    def make_with(self, tokenizer):
        return SentencesChunker(chunk_size=32, chunk_overlap=8, tokenizer=tokenizer)


class TestContractSpaceMatters(ChunkerContract):
    chunk_size = 20
    huge = 100_000

    def make(self, chunk_size, chunk_overlap):
        tokenizer = SpaceMatters()
        return SentencesChunker(
            chunk_size=chunk_size, chunk_overlap=chunk_overlap, tokenizer=tokenizer
        )

    def make_with(self, tokenizer):
        return SentencesChunker(chunk_size=20, chunk_overlap=5, tokenizer=tokenizer)

    @pytest.fixture
    def chunker(self):
        return SentencesChunker(chunk_size=20, chunk_overlap=5, tokenizer=SpaceMatters())

    def count(self, text):
        return len(SpaceMatters().token_spans(text))


def sentences(text):
    places = [0, *sentence_ends(text), len(text)]
    found = [text[a:b].strip() for a, b in pairwise(places)]
    return [one for one in found if one]


@pytest.mark.parametrize(
    "wanted",
    [
        ["One sentence.", "Another one!", "A third?", "And a rest"],
        ["Dr. Smith met Mr. J. R. Jones at 3.14 p.m. in St. Ives.", "He left."],
        ["See e.g. Fig. 3 and vol. 2, pp. 4-5, etc. for more.", "Then go on."],
        ["He said no.", "No. 5 was it, of Aug. 3."],
        ["He said: “Stop.”", "She did not (at first).", "Later she did."],
        ["Wait... what is it?!", "Nothing."],
        ["我們今天去了圖書館。", "你呢？", "很好！", "再見"],
        ["「走吧。」", "他說。"],
        ["यह एक वाक्य है।", "यह दूसरा है।"],
        ["هل هذا سؤال؟", "نعم."],
        ["Das kostet z.B. 3,5 Mio. euro.", "Mehr nicht."],
        ["Am 1. Januar geht es los.", "Wir sind bereit."],
        ["El Sr. García y la Sra. López llegaron.", "¿Qué pasó?", "¡Nada!"],
        ["I live in the U.S.", "How about you?"],
        [
            "I work for the U.S. Government.",
            "The U.N. Security Council met at 10 p.m.",
            "It voted.",
        ],
        ["Smith et al. (2001) of Acme Inc. Berlin showed vitamin C.", "It was good."],
        ["See Sec. III of this, or Mt. Fuji, 5 ft. 3 in. high.", "I did."],
        ["The end . . .", "And what follows"],
        ["これは文です。", "「はい。」と言った。", "「いいえ。」", "終わり"],
        ["안녕하세요.", "반갑습니다."],
        ["It works with version 2.0.1 of example.com today.", "Good."],
    ],
)
def test_where_sentences_end(wanted):
    joined = "".join if any(0x3000 < ord(c) < 0xA000 for c in wanted[0]) else " ".join
    assert sentences(joined(wanted)) == wanted


def test_blank_lines_headings_and_lists_end_them():
    text = "A heading\n\nSome text that\nis wrapped here\n- one\n- two\n1. three\n# Next\nrest"
    assert sentences(text) == [
        "A heading",
        "Some text that\nis wrapped here",
        "- one",
        "- two",
        "1. three",
        "# Next\nrest",
    ]


def texts_of(text, size, overlap=0):
    chunker = SentencesChunker(chunk_size=size, chunk_overlap=overlap, tokenizer=Words())
    return [chunk.text for chunk in chunker.chunk(Document("d", text))]


def test_chunks_are_whole_sentences():
    text = "Aa bb cc dd. Ee ff. Gg hh ii, jj kk ll. Mm nn."
    assert texts_of(text, 8) == ["Aa bb cc dd. Ee ff.", "Gg hh ii, jj kk ll.", "Mm nn."]


def test_overlap_is_whole_sentences():
    text = "Aa bb cc dd. Ee ff. Gg hh. Ii jj kk. Ll mm."
    assert texts_of(text, 12, 6) == [
        "Aa bb cc dd. Ee ff. Gg hh.",
        "Ee ff. Gg hh. Ii jj kk.",
        "Ii jj kk. Ll mm.",
    ]
    assert texts_of(text, 12, 2) == ["Aa bb cc dd. Ee ff. Gg hh.", "Ii jj kk. Ll mm."]


def test_a_sentence_that_is_too_long_is_cut_within():
    text = "Aa bb. Cc dd ee ff gg, hh ii jj kk ll. Mm."
    assert texts_of(text, 8) == ["Aa bb.", "Cc dd ee ff gg,", "hh ii jj kk ll. Mm."]


def test_a_language_without_sentence_marks_is_cut_all_the_same():
    text = "ภาษาไทยไม่มีช่องว่าง" * 20
    chunker = SentencesChunker(chunk_size=40, chunk_overlap=0)
    assert "".join(chunk.text for chunk in chunker.chunk(Document("d", text))) == text


@given(st.text(alphabet="aB. !?\n。-#)\"'", max_size=80))
def test_ends_are_in_order_and_inside(text):
    ends = sentence_ends(text)
    assert ends == sorted(ends) and all(0 <= end <= len(text) for end in ends)
