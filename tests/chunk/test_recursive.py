import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from token_counters import Characters, SpaceMatters, Words

from retrievo.chunk.recursive import RecursiveChunker
from retrievo.encode.static import StaticEncoder
from retrievo.encode.static_tokens import static_tokens
from retrievo.errors import ConfigError
from retrievo.testing.chunkers import ChunkerContract
from retrievo.testing.texts import ZOO
from retrievo.types import Document


class TestContractStatic(ChunkerContract):
    chunk_size = 32

    @pytest.fixture
    def chunker(self):
        return RecursiveChunker(chunk_size=32, chunk_overlap=8)


class TestContractDefault(ChunkerContract):
    chunk_size = 256

    @pytest.fixture
    def chunker(self):
        return RecursiveChunker()


class TestContractSpaceMatters(ChunkerContract):
    chunk_size = 20

    @pytest.fixture
    def chunker(self):
        return RecursiveChunker(chunk_size=20, chunk_overlap=5, tokenizer=SpaceMatters())

    def count(self, text):
        return len(SpaceMatters().token_spans(text))


PIECES = [
    "word",
    " ",
    "\n",
    "\n\n",
    ". ",
    ".\n",
    "字",
    "e\u0301",
    "🙂",
    "x" * 40,
    "# ",
    ", ",
    "\r\n",
]
MIXED = st.lists(st.one_of(st.sampled_from(PIECES), st.characters()), max_size=60).map("".join)
SIZES = st.tuples(st.integers(1, 40), st.integers(0, 39)).filter(lambda pair: pair[1] < pair[0])
COUNTS = {
    "static": lambda text: static_tokens().count(text),
    "words": lambda text: len(Words().token_spans(text)),
    "space": lambda text: len(SpaceMatters().token_spans(text)),
    "characters": lambda text: len(Characters().token_spans(text)),
}
TOKENIZERS = {
    "static": "static",
    "words": Words(),
    "space": SpaceMatters(),
    "characters": Characters(),
}


@pytest.mark.parametrize("name", TOKENIZERS)
@given(text=MIXED, sizes=SIZES)
def test_any_text_any_size_any_overlap(name, text, sizes):
    size, overlap = sizes
    count = COUNTS[name]
    chunker = RecursiveChunker(chunk_size=size, chunk_overlap=overlap, tokenizer=TOKENIZERS[name])
    chunks = chunker.chunk(Document("d", text))
    seen = set()
    for before, chunk in zip([None, *chunks], chunks, strict=False):
        assert text[chunk.start : chunk.end] == chunk.text == chunk.text.strip()
        clean = "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in chunk.text)
        assert chunk.token_count == count(clean)
        # What people read as one character is not parted, however many tokens it has.
        assert chunk.token_count <= size or len(chunk.text) <= 1 or any_joined(chunk.text)
        if before is not None:
            assert before.start < chunk.start and before.end < chunk.end
            shared = text[chunk.start : before.end]
            assert not shared or overlap > 0
        seen.update(range(chunk.start, chunk.end))
    assert all(char.isspace() or at in seen for at, char in enumerate(text))


def any_joined(text):
    import unicodedata

    return all(
        unicodedata.combining(char)
        or char in "\u200d\ufe0e\ufe0f"
        or "\U0001f3fb" <= char <= "\U0001f3ff"
        or text[at] == "\u200d"
        for at, char in enumerate(text[1:])
    )


def texts_of(text, size, overlap=0, tokenizer=None, **given):
    chunker = RecursiveChunker(
        chunk_size=size, chunk_overlap=overlap, tokenizer=tokenizer or Words(), **given
    )
    return [chunk.text for chunk in chunker.chunk(Document("d", text))]


def test_a_paragraph_before_a_line_before_a_sentence_before_a_clause_before_a_word():
    assert texts_of("a b c d e\n\nf g h\ni j k", 10) == ["a b c d e", "f g h\ni j k"]
    assert texts_of("a b c d e f\nG h. I j k l", 10) == ["a b c d e f", "G h. I j k l"]
    assert texts_of("a b c d ee. F, g h i j k", 10) == ["a b c d ee.", "F, g h i j k"]
    assert texts_of("a b c d e, f g h i j k", 10) == ["a b c d e,", "f g h i j k"]
    assert texts_of("a b c d e f g h", 5) == ["a b c d e", "f g h"]


def test_only_the_second_half_is_searched_for_a_better_place():
    assert texts_of("a\n\nb c d e f g h i j k", 10) == ["a\n\nb c d e f g h i j", "k"]


def test_a_sentence_in_the_second_quarter_is_better_than_a_word():
    text = "aa bb cc. Dd ee ff gg hh ii jj kk"
    assert texts_of(text, 10) == ["aa bb cc.", "Dd ee ff gg hh ii jj kk"]


def test_a_heading_goes_with_what_follows_it():
    text = "a b c d e\n\n# Head\n\nf g h i"
    assert texts_of(text, 9) == ["a b c d e", "# Head\n\nf g h i"]


def test_wrapped_lines_are_not_paragraph_ends():
    # The line break before a small letter is worth less than the end of a sentence.
    assert texts_of("a b c d ee. F g\nh i j k l", 10) == ["a b c d ee.", "F g\nh i j k l"]


def test_abbreviations_and_numbers_end_no_sentence():
    for rest in ("Ee ff J. Kk ll mm", "Ee etc. ff gg hh", "Ee 3.1 ff gg hh"):
        assert texts_of(f"aa bb cc dd. {rest}", 10) == ["aa bb cc dd.", rest]


def test_overlap_starts_with_a_sentence_where_one_starts():
    text = "a b cc. Dd ee. Ff g hh. Ii j kk."
    assert texts_of(text, 10, 4) == ["a b cc. Dd ee.", "Dd ee. Ff g hh.", "Ff g hh. Ii j kk."]


def test_overlap_starts_with_a_word_where_no_sentence_starts():
    assert texts_of("a b c d e f g h", 5, 2) == ["a b c d e", "d e f g h"]


def test_a_text_that_fits_is_one_chunk_without_its_edges():
    chunks = RecursiveChunker().chunk(Document("d", "\n  one two \n"))
    assert [(chunk.text, chunk.start, chunk.end) for chunk in chunks] == [("one two", 3, 10)]
    assert chunks[0].token_count == 2


def test_accents_and_joined_emoji_stay_whole():
    for text in ("e\u0301" * 50, "👍🏽" * 30, "👩\u200d👧" * 30):
        for piece in texts_of(text, 9, 0, Characters()):
            assert piece[0] not in "\u0301\u200d🏽" and piece[-1] != "\u200d"


def test_the_title_is_the_context_of_chunks_that_do_not_begin_with_it():
    chunker = RecursiveChunker(chunk_size=12, chunk_overlap=0, tokenizer=Words())
    text = "# Key rotation\n\na b c d e f g h i j k l m n o p"
    chunks = chunker.chunk(Document("d", text, {"a": 1}, "Key rotation"))
    assert [chunk.context for chunk in chunks] == ["", "Key rotation"]
    assert all(chunk.metadata is chunks[0].metadata for chunk in chunks)


def test_a_long_title_is_cut_between_words():
    chunker = RecursiveChunker(chunk_size=12, tokenizer=Words(), chunk_overlap=0)
    assert chunker.chunk(Document("d", "x", {}, "one two three four"))[0].context == "one two three"
    small = RecursiveChunker(chunk_size=3, tokenizer=Words(), chunk_overlap=0)
    assert small.chunk(Document("d", "x", {}, "one two"))[0].context == ""


def test_an_empty_text_with_a_title_can_be_found_by_it():
    (chunk,) = RecursiveChunker().chunk(Document("d", "", {}, "A title"))
    assert (chunk.text, chunk.context, chunk.token_count) == ("", "A title", 0)


class Limited(Words):
    """An encoder's side of a tokenizer: it reads 14 tokens, 2 of them its own."""

    max_tokens, special_tokens = 14, 2


def test_the_encoders_limit_leaves_room_for_special_tokens_and_title():
    text = " ".join("abcdefghijklmnopqrstuvwxyz")
    chunker = RecursiveChunker(chunk_size=100, chunk_overlap=0, tokenizer=Limited())
    assert max(c.token_count for c in chunker.chunk(Document("d", text))) == 12
    titled = chunker.chunk(Document("d", text, {}, "My title"))
    assert max(chunk.token_count for chunk in titled) == 10
    for chunk in titled:
        assert len(Words().token_spans(chunk.indexed_text)) + 2 <= 14


def test_an_encoder_without_token_spans_limits_what_the_static_tokenizer_counts():
    class Silent:
        max_tokens, special_tokens = 12, 2

    chunker = RecursiveChunker(encoder=Silent())
    assert chunker.tokenizer_name == "static"
    chunks = chunker.chunk(Document("d", "one two three four five six " * 9))
    assert max(static_tokens().count(chunk.text) for chunk in chunks) == 10


def test_an_encoder_that_has_no_room_is_refused():
    class Full(Words):
        max_tokens, special_tokens = 2, 2

    with pytest.raises(ConfigError, match="no room for text"):
        RecursiveChunker(tokenizer=Full())


def test_the_static_encoder_and_its_tokenizer_cut_alike():
    document = Document("d", ZOO["Markdown"] * 10)
    alone, injected = RecursiveChunker(), RecursiveChunker(tokenizer=StaticEncoder())
    assert alone.chunk(document) == injected.chunk(document)
    assert alone.tokenizer_name == injected.tokenizer_name == "static"


def test_a_passport_tells_the_parameters():
    chunker = RecursiveChunker(chunk_size=100, chunk_overlap=10)
    assert chunker.parameters() == {
        "name": "recursive",
        "chunk_size": 100,
        "chunk_overlap": 10,
        "format": 2,
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"chunk_size": 0}, "chunk_size is 0"),
        ({"chunk_size": True}, "chunk_size is True"),
        ({"chunk_size": 10.5}, "chunk_size is 10.5"),
        ({"chunk_overlap": -1}, "chunk_overlap is -1"),
        ({"chunk_size": 8, "chunk_overlap": 8}, "the overlap must be smaller"),
        ({"tokenizer": "statik"}, "no tokenizer named 'statik'"),
        ({"tokenizer": "tiktoken:"}, "no tokenizer named 'tiktoken:'"),
        ({"tokenizer": 3}, "without token_spans"),
    ],
)
def test_wrong_arguments(arguments, said):
    with pytest.raises(ConfigError, match=said):
        RecursiveChunker(**arguments)


def test_work_grows_with_the_text():
    """Counted in characters handed to the tokenizer, not by the clock."""

    class Counted(Words):
        seen = longest = 0

        def token_spans(self, text):
            Counted.seen += len(text)
            Counted.longest = max(Counted.longest, len(text))
            return super().token_spans(text)

    def work(text):
        Counted.seen = 0
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            RecursiveChunker(tokenizer=Counted()).chunk(Document("d", text))
        return Counted.seen

    text = "Some words, and a few more. It goes on and on.\n" * 1_500
    once, four = work(text), work(text * 4)
    assert four < 4.2 * once and once < 1.5 * len(text)
    assert Counted.longest <= 16_384


def test_a_title_that_the_first_word_begins_with_is_kept():
    chunker = RecursiveChunker(chunk_size=12, tokenizer=Words())
    (chunk,) = chunker.chunk(Document("d", "Gorillas live in Africa.", {}, "Go"))
    assert chunk.context == "Go"


def test_a_context_is_cut_between_words_or_not_there():
    for title in ("Kraftfahrzeughaftpflichtversicherungsgesetz", "Zebra"):
        (chunk,) = RecursiveChunker(chunk_size=8).chunk(Document("d", "x", {}, title))
        assert chunk.context in ("", title)
    (chunk,) = RecursiveChunker(chunk_size=16).chunk(Document("d", "x", {}, "標題標題標題標題"))
    assert 0 < len(chunk.context) < 8, "scripts without spaces are cut between tokens"


def test_the_default_overlap_fits_small_chunks():
    assert RecursiveChunker(chunk_size=32).parameters()["chunk_overlap"] == 16
    assert RecursiveChunker(chunk_size=64).parameters()["chunk_overlap"] == 32
    assert RecursiveChunker(chunk_size=1).parameters()["chunk_overlap"] == 0
