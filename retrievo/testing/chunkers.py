"""What every chunker must do: subclass `ChunkerContract`, give it a `chunker`, run pytest.

```python
class TestMyChunker(ChunkerContract):
    chunk_size = 64

    @pytest.fixture
    def chunker(self):
        return MyChunker(chunk_size=64)

    def make(self, chunk_size, chunk_overlap):  # without it, other sizes are not tried
        return MyChunker(chunk_size=chunk_size, chunk_overlap=chunk_overlap)

    def count(self, text):                      # without it, tokens of the static tokenizer
        return len(my_tokenizer.token_spans(text))
```

Needs pytest and hypothesis: `pip install 'retrievo[testing]'`.
"""

import random
from itertools import pairwise
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrievo.chunk.boundaries import inside_character
from retrievo.contracts import Chunker
from retrievo.encode.static_tokens import static_tokens
from retrievo.testing.refusal import RefusesOverrides
from retrievo.testing.texts import ZOO
from retrievo.tokens import without_surrogates
from retrievo.types import Chunk, Document, content_hash

_ALPHABET = "aaabcdeXY.,;:!?\n\n\r\t    -#é\u0301字🙂\u200d\x00。"
_PIECES = [
    *(
        "word",
        " ",
        "\n",
        "\n\n",
        "\r\n",
        ". ",
        ".\n",
        ", ",
        "# ",
        "- ",
        "|",
        "```\n",
        "<p>",
        "</p>",
    ),
    *(
        "字",
        "。",
        "e\u0301",
        "🙂",
        "👩\u200d👧",
        "\x00",
        "\u2028",
        "\ud83d",
        "שלום ",
        "x" * 40,
        " " * 30,
    ),
    *("def f():\n    pass\n", "class A:\n", "{", "}"),
]
_TEXTS = st.lists(st.one_of(st.sampled_from(_PIECES), st.characters()), max_size=60).map("".join)
_SIZES = st.tuples(st.integers(1, 40), st.integers(0, 39)).filter(lambda pair: pair[1] < pair[0])


def _random_texts() -> list[str]:
    draw = random.Random(7)
    return ["".join(draw.choices(_ALPHABET, k=draw.randrange(400))) for _ in range(60)]


def _one_line(characters: int) -> str:
    line = " ".join(f"word{number} of a line, and more." for number in range(characters // 24))
    return line[:characters]


def _one_character(text: str) -> bool:
    """Whether people read it as one: a letter with its accents, joined emoji."""
    return all(inside_character(text, place) for place in range(1, len(text)))


class ChunkerContract(RefusesOverrides):
    """The promises of a chunker. `chunk_size` is its limit in tokens, None where it has none.

    `huge` is the length of the longest text that it is given, None to try none.
    """

    chunk_size: int | None = None
    huge: ClassVar[int | None] = 1_000_000

    def count(self, text: str) -> int:
        """How many tokens the text has as the chunker counts them."""
        return static_tokens().count(text)

    def make(self, chunk_size: int, chunk_overlap: int) -> Chunker:
        """A chunker of this size and overlap."""
        pytest.skip("this contract has no `make`, so other sizes are not tried")

    def _check(self, chunker: Chunker, text: str) -> list[Chunk]:
        document = Document("d", text, {"year": 2020})
        chunks = chunker.chunk(document)
        assert chunks, "every document has a chunk, so that it can be found by its id"
        last = (0, 0)
        done = 0
        for chunk in chunks:
            span = (chunk.start, chunk.end)
            assert 0 <= chunk.start <= chunk.end <= len(text), f"{span} is outside the text"
            assert text[chunk.start : chunk.end] == chunk.text, f"{span} is not the chunk's text"
            assert span >= last, f"{span} comes after {last}"
            lost = text[done : chunk.start].strip()
            assert not lost, f"this is in no chunk: {lost[:40]!r}"
            last, done = span, max(done, chunk.end)
            assert chunk.doc_id == "d"
            more = {**chunk.metadata, "year": 2020}
            assert more == chunk.metadata, "a chunk carries its document's metadata"
            if chunk.parent is not None:
                assert chunk.parent[0] <= chunk.start and chunk.end <= chunk.parent[1]
        assert not text[done:].strip(), f"this is in no chunk: {text[done:].strip()[:40]!r}"
        assert len({chunk.id for chunk in chunks}) == len(chunks), "two chunks have one id"
        return chunks

    def test_is_a_chunker(self, chunker: Chunker) -> None:
        assert isinstance(chunker, Chunker)

    @pytest.mark.parametrize("name", ZOO)
    def test_spans_are_exact_ordered_and_complete(self, chunker: Chunker, name: str) -> None:
        self._check(chunker, ZOO[name])

    def test_spans_of_random_texts(self, chunker: Chunker) -> None:
        for text in _random_texts():
            self._check(chunker, text)

    @pytest.mark.parametrize("name", ZOO)
    def test_no_chunk_is_over_the_size(self, chunker: Chunker, name: str) -> None:
        if self.chunk_size is None:
            pytest.skip("this chunker has no size in tokens")
        for chunk in self._check(chunker, ZOO[name]):
            found = self.count(chunk.text)
            assert found <= self.chunk_size, f"{found} tokens in {chunk.text!r}"
            assert chunk.token_count >= found, "token_count is exact, or more where all fits"

    @given(text=_TEXTS, sizes=_SIZES)
    @settings(
        deadline=None, max_examples=80, suppress_health_check=[HealthCheck.differing_executors]
    )
    def test_any_text_any_size_any_overlap(self, text: str, sizes: tuple[int, int]) -> None:
        size, overlap = sizes
        chunks = self._check(self.make(size, overlap), text)
        for chunk in chunks:
            found = self.count(without_surrogates(chunk.text))
            assert chunk.token_count >= found, "token_count is exact, or more where all fits"
            # What people read as one character is not parted, however many tokens it has.
            assert found <= size or _one_character(chunk.text), f"{found} tokens in {chunk.text!r}"
        for before, after in pairwise(chunks):
            assert after.start >= before.end or overlap, "chunks overlap, and 0 was asked for"
            assert (before.start, before.end) != (after.start, after.end)

    def test_one_long_line(self, chunker: Chunker) -> None:
        if self.huge is None:
            pytest.skip("this contract tries no long text")
        chunks = self._check(chunker, _one_line(self.huge))
        if self.chunk_size is not None:
            assert max(chunk.token_count for chunk in chunks) <= self.chunk_size
            assert len(chunks) >= self.huge // 100 // self.chunk_size

    def test_a_parent_is_of_the_same_document(self, chunker: Chunker) -> None:
        for chunk in self._check(chunker, ZOO["Markdown"] * 4):
            if chunk.parent is not None:
                start, end = chunk.parent
                assert 0 <= start < end <= len(ZOO["Markdown"]) * 4

    @pytest.mark.parametrize("text", ["", " \n\t "])
    def test_nothing_gives_one_empty_chunk(self, chunker: Chunker, text: str) -> None:
        chunks = chunker.chunk(Document("d", text))
        assert [(chunk.text, chunk.start, chunk.end) for chunk in chunks] == [("", 0, 0)]

    @pytest.mark.parametrize("name", ["Windows lines", "Markdown", "code", "joined emoji"])
    def test_the_same_text_gives_the_same_chunks(self, chunker: Chunker, name: str) -> None:
        document = Document("d", ZOO[name], {"year": 2020}, "A title")
        first, second = chunker.chunk(document), chunker.chunk(document)
        assert first == second
        for chunk in first:
            made = content_hash("d", f"{chunk.start}:{chunk.end}", chunk.text)
            assert chunk.id == made, "ids follow from document id, span and text"
        assert len({chunk.id for chunk in first}) == len(first)

    def test_another_document_has_other_ids(self, chunker: Chunker) -> None:
        text = ZOO["Markdown"]
        here = {chunk.id for chunk in chunker.chunk(Document("a", text))}
        there = {chunk.id for chunk in chunker.chunk(Document("b", text))}
        assert not here & there

    def test_the_title_is_not_in_the_text(self, chunker: Chunker) -> None:
        text = "Nothing here names it. " * 3
        for chunk in chunker.chunk(Document("d", text, {}, "Quaggas")):
            assert "Quaggas" not in chunk.text
