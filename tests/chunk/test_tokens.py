import pytest
from token_counters import Characters, SpaceMatters, Words

from retrievo.chunk.tokens import TokensChunker
from retrievo.testing.chunkers import ChunkerContract
from retrievo.types import Document


class TestContract(ChunkerContract):
    chunk_size = 32

    @pytest.fixture
    def chunker(self):
        return TokensChunker(chunk_size=32, chunk_overlap=8)

    def make(self, chunk_size, chunk_overlap):
        return TokensChunker(chunk_size=chunk_size, chunk_overlap=chunk_overlap)

    def make_with(self, tokenizer):
        return TokensChunker(chunk_size=32, chunk_overlap=8, tokenizer=tokenizer)


class TestContractSpaceMatters(ChunkerContract):
    chunk_size = 20
    huge = 100_000

    def make(self, chunk_size, chunk_overlap):
        tokenizer = SpaceMatters()
        return TokensChunker(
            chunk_size=chunk_size, chunk_overlap=chunk_overlap, tokenizer=tokenizer
        )

    def make_with(self, tokenizer):
        return TokensChunker(chunk_size=20, chunk_overlap=5, tokenizer=tokenizer)

    @pytest.fixture
    def chunker(self):
        return TokensChunker(chunk_size=20, chunk_overlap=5, tokenizer=SpaceMatters())

    def count(self, text):
        return len(SpaceMatters().token_spans(text))


def chunks_of(text, size, overlap=0, tokenizer=None):
    chunker = TokensChunker(chunk_size=size, chunk_overlap=overlap, tokenizer=tokenizer or Words())
    return [chunk.text for chunk in chunker.chunk(Document("d", text))]


def test_windows_of_so_many_tokens():
    assert chunks_of("a b c. d e f g", 3) == ["a b c", ". d e", "f g"]
    assert chunks_of("a b c d e f g", 4, 2) == ["a b c d", "c d e f", "e f g"]


def test_words_are_cut_where_tokens_end():
    assert chunks_of("abcdefgh ij", 5, tokenizer=Characters()) == ["abcde", "fgh i", "j"]


def test_accents_and_joined_emoji_stay_whole():
    for text in ("e\u0301" * 20, "👍🏽" * 10, "👩\u200d👧" * 10):
        for piece in chunks_of(text, 5, 0, Characters()):
            assert piece[0] not in "\u0301\u200d🏽" and piece[-1] != "\u200d"


def test_all_windows_but_the_last_are_full():
    text = "one two three four five six seven eight nine ten " * 40
    sizes = [
        chunk.token_count
        for chunk in TokensChunker(chunk_size=64, chunk_overlap=0).chunk(Document("d", text))
    ]
    assert set(sizes[:-1]) == {64}
