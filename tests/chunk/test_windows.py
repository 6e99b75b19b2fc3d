import pytest
from token_counters import Words

from retrievo.chunk.recursive import RecursiveChunker
from retrievo.chunk.windows import WindowsChunker
from retrievo.errors import ConfigError
from retrievo.testing.chunkers import ChunkerContract
from retrievo.types import Document


class Reads(Words):
    """An encoder's side of a tokenizer: it reads `max_tokens`, 2 of them its own."""

    special_tokens = 2

    def __init__(self, max_tokens):
        self.max_tokens = max_tokens


class TestContract(ChunkerContract):
    chunk_size = 32

    @pytest.fixture
    def chunker(self):
        return WindowsChunker(chunk_size=32, chunk_overlap=8)

    def make(self, chunk_size, chunk_overlap):
        return WindowsChunker(chunk_size=chunk_size, chunk_overlap=chunk_overlap)


class TestContractLongSighted(ChunkerContract):
    """Documents of more than 600 tokens are cut otherwise than others."""

    chunk_size = 256

    @pytest.fixture
    def chunker(self):
        return WindowsChunker(encoder=Reads(602))

    def count(self, text):
        return len(Words().token_spans(text))


def cut(words, title="", **given):
    document = Document("d", "w " * words, {}, title)
    return [chunk.token_count for chunk in WindowsChunker(**given).chunk(document)]


def test_an_encoder_that_reads_little_gets_small_windows_of_everything():
    for window in (202, 514):
        assert cut(128, encoder=Reads(window)) == [128]
        assert cut(200, encoder=Reads(window)) == [128, 104], "32 of the first are repeated"
        assert cut(700, encoder=Reads(window), chunk_overlap=0) == [128] * 5 + [60]


def test_one_that_reads_more_gets_them_of_what_it_cannot_read_at_once():
    assert cut(600, encoder=Reads(602), chunk_overlap=0) == [256, 256, 88]
    assert cut(601, encoder=Reads(602), chunk_overlap=0) == [128] * 4 + [89]


def test_a_title_takes_its_room_from_a_document():
    assert max(cut(600, "One", encoder=Reads(603))) == 256
    assert max(cut(600, "One two", encoder=Reads(603))) == 128


def test_a_document_within_the_window_is_cut_as_recursive_cuts_it():
    document = Document("d", "Some words of a sentence. " * 90, {}, "Title")
    for encoder in (Reads(600), Words()):
        mine = WindowsChunker(encoder=encoder).chunk(document)
        assert mine == RecursiveChunker(encoder=encoder).chunk(document) and len(mine) == 3


@pytest.mark.parametrize("text", ["", " \n", "a"])
def test_texts_of_nothing_and_of_little(text):
    (chunk,) = WindowsChunker(encoder=Reads(602)).chunk(Document("d", text, {}, "Title"))
    assert (chunk.text, chunk.context) == (text.strip(), "Title")


def test_a_passport_tells_the_parameters():
    told = WindowsChunker(encoder=Reads(602), chunk_overlap=3).parameters()
    assert told == {
        "name": "windows",
        "chunk_size": 128,
        "chunk_overlap": 3,
        "window": 600,
        "short": 256,
        "format": 1,
    }
    small = RecursiveChunker(chunk_size=128).parameters()
    assert WindowsChunker(encoder=Reads(300)).parameters() == small, "all are cut alike"


def test_without_a_limit_it_is_the_recursive_chunker():
    assert WindowsChunker().parameters() == RecursiveChunker().parameters()
    document = Document("d", "A sentence of words. " * 200)
    assert WindowsChunker().chunk(document) == RecursiveChunker().chunk(document)


def test_a_size_that_was_asked_for_holds_for_every_document():
    document = Document("d", "A sentence of words. " * 200)
    for encoder in (None, Reads(5_000), Reads(700), Reads(200)):
        chunks = WindowsChunker(chunk_size=50, encoder=encoder).chunk(document)
        assert 40 < max(chunk.token_count for chunk in chunks) <= 50


@pytest.mark.parametrize(
    "given",
    [
        {"chunk_size": 0},
        {"chunk_size": 32, "chunk_overlap": 32},
        {"chunk_size": True},
        {"chunk_overlap": -1},
    ],
)
def test_wrong_sizes(given):
    with pytest.raises(ConfigError, match="chunk_"):
        WindowsChunker(**given)
