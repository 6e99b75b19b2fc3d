import pytest
from token_counters import SpaceMatters, Words

from retrievo.chunk.recursive import RecursiveChunker
from retrievo.chunk.windows import WindowsChunker
from retrievo.encode.static_tokens import static_tokens
from retrievo.errors import ConfigError
from retrievo.testing.chunkers import ChunkerContract
from retrievo.types import Document


class Reads(Words):
    """An encoder's side of a tokenizer: it reads `max_tokens`, 2 of them its own."""

    special_tokens = 2

    def __init__(self, max_tokens):
        self.max_tokens = max_tokens


class ReadsStatic:
    max_tokens, special_tokens = 22, 2

    def token_spans(self, text):
        return static_tokens().token_spans(text)


class TestContract(ChunkerContract):
    chunk_size = 20

    @pytest.fixture
    def chunker(self):
        return WindowsChunker(chunk_size=12, chunk_overlap=4, encoder=ReadsStatic())

    def make(self, chunk_size, chunk_overlap):
        return WindowsChunker(
            chunk_size=chunk_size,
            chunk_overlap=chunk_overlap,
            tokenizer="static",
            encoder=Reads(chunk_size + 2),
        )


class ReadsSpaces(SpaceMatters):
    max_tokens, special_tokens = 22, 2


class TestContractSpaceMatters(ChunkerContract):
    chunk_size = 20

    @pytest.fixture
    def chunker(self):
        return WindowsChunker(chunk_size=11, chunk_overlap=5, encoder=ReadsSpaces())

    def count(self, text):
        return len(SpaceMatters().token_spans(text))


def cut(words, title="", **given):
    document = Document("d", "w " * words, {}, title)
    return [chunk.token_count for chunk in WindowsChunker(**given).chunk(document)]


def test_a_document_that_the_encoder_reads_at_once_is_whole():
    assert cut(200, encoder=Reads(202)) == [200]
    assert cut(201, encoder=Reads(202)) == [128, 105], "32 of the first are repeated"
    assert cut(201, encoder=Reads(202), chunk_overlap=0) == [128, 73]


def test_a_title_takes_its_room_from_a_document_as_well():
    assert cut(200, "One", encoder=Reads(203)) == [200]
    assert cut(200, "One two", encoder=Reads(203), chunk_overlap=0) == [128, 72]


def test_a_document_within_a_large_window_is_cut_as_recursive_cuts_it():
    document = Document("d", "Some words of a sentence. " * 90, {}, "Title")
    for encoder in (Reads(600), Words()):
        mine = WindowsChunker(encoder=encoder).chunk(document)
        assert mine == RecursiveChunker(encoder=encoder).chunk(document) and len(mine) == 3
    longer = WindowsChunker(encoder=Reads(500)).chunk(document)
    assert max(chunk.token_count for chunk in longer) <= 128 and len(longer) >= 5


def test_a_passport_tells_the_parameters():
    told = WindowsChunker(encoder=Reads(14), chunk_size=10, chunk_overlap=3).parameters()
    assert told == {
        "name": "windows",
        "chunk_size": 10,
        "chunk_overlap": 3,
        "window": 12,
        "short": 10,
        "format": 1,
    }


def test_without_a_limit_it_is_the_recursive_chunker():
    assert WindowsChunker().parameters() == RecursiveChunker().parameters()
    document = Document("d", "A sentence of words. " * 200)
    assert WindowsChunker().chunk(document) == RecursiveChunker().chunk(document)


def test_a_size_that_was_asked_for_holds_for_every_document():
    document = Document("d", "A sentence of words. " * 200)
    for encoder in (None, Reads(5_000), Reads(200)):
        chunks = WindowsChunker(chunk_size=50, encoder=encoder).chunk(document)
        assert 40 < max(chunk.token_count for chunk in chunks) <= 50


@pytest.mark.parametrize("given", [{"chunk_size": 0}, {"chunk_size": 32}, {"chunk_overlap": -1}])
def test_wrong_sizes(given):
    with pytest.raises(ConfigError, match="chunk_"):
        WindowsChunker(**given)
