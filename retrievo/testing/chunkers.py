"""What every chunker must do: subclass `ChunkerContract`, give it a `chunker`, run pytest.

```python
class TestMyChunker(ChunkerContract):
    chunk_size = 64

    @pytest.fixture
    def chunker(self):
        return MyChunker(chunk_size=64)

    def count(self, text):                      # without it, tokens of the static tokenizer
        return len(my_tokenizer.token_spans(text))
```
"""

import random

import pytest

from retrievo.contracts import Chunker
from retrievo.encode.static_tokens import static_tokens
from retrievo.testing.refusal import RefusesOverrides
from retrievo.testing.texts import ZOO
from retrievo.types import Chunk, Document, content_hash

_ALPHABET = "aaabcdeXY.,;:!?\n\n\r\t    -#é\u0301字🙂\u200d\x00。"


def _random_texts() -> list[str]:
    draw = random.Random(7)
    return ["".join(draw.choices(_ALPHABET, k=draw.randrange(400))) for _ in range(60)]


class ChunkerContract(RefusesOverrides):
    """The promises of a chunker. `chunk_size` is its limit in tokens, None where it has none."""

    chunk_size: int | None = None

    def count(self, text: str) -> int:
        """How many tokens the text has as the chunker counts them."""
        return static_tokens().count(text)

    def _check(self, chunker: Chunker, text: str) -> list[Chunk]:
        document = Document("d", text, {"year": 2020})
        chunks = chunker.chunk(document)
        assert chunks, "every document has a chunk, so that it can be found by its id"
        last = (0, 0)
        seen = bytearray(len(text))
        for chunk in chunks:
            span = (chunk.start, chunk.end)
            assert 0 <= chunk.start <= chunk.end <= len(text), f"{span} is outside the text"
            assert text[chunk.start : chunk.end] == chunk.text, f"{span} is not the chunk's text"
            assert span >= last, f"{span} comes after {last}"
            last = span
            assert chunk.doc_id == "d"
            assert chunk.metadata == {"year": 2020}, "a chunk carries its document's metadata"
            if chunk.parent is not None:
                assert chunk.parent[0] <= chunk.start and chunk.end <= chunk.parent[1]
            seen[chunk.start : chunk.end] = b"\1" * (chunk.end - chunk.start)
        lost = [at for at, (here, char) in enumerate(zip(seen, text, strict=True))
                if not here and not char.isspace()]  # fmt: skip
        assert not lost, f"the character at {lost[0]} is in no chunk: {text[lost[0]]!r}"
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
