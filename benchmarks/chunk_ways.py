"""The chunkers that benchmarks/chunk.py compares: those registered here, and other packages'.

Each is told the size and overlap in tokens and given the same tokenizer, in the form that costs it
least: the bare call where it takes one, and no more than a count where that is all it asks for.
"""

import inspect
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import NamedTuple

from retrievo import Document, Pipeline
from retrievo.contracts import Tokenizer
from retrievo.host.host import Host

LEFT_OUT = {"semantic", "late", "situated"}
"""Chunkers whose cost is an encoder's."""


class Piece(NamedTuple):
    """A chunk, and where its text says that it is; None where it does not say."""

    start: int | None
    end: int | None
    text: str


@dataclass(frozen=True)
class Counter:
    """A tokenizer in the forms that the packages want."""

    name: str
    spans: Tokenizer
    ids: Callable[[str], Sequence[int]]
    one_pass: Callable[[str], object]
    """All tokens of a long text with their places, the quickest way that there is."""
    raw: object
    """A tokenizers.Tokenizer, or a tiktoken.Encoding."""
    model: str | None = None
    """A model that tiktoken's users name for it."""

    def count(self, text: str) -> int:
        return len(self.ids(text))


@dataclass(frozen=True)
class Way:
    """One chunker: `cut` is what is timed; `pieces` may ask it for offsets, which may cost more."""

    name: str
    cut: Callable[[str], object]
    pieces: Callable[[str], list[Piece]]
    ours: bool = False


def ways(counter: Counter, size: int, overlap: int) -> Iterator[Way | str]:
    """Each chunker, or a sentence on why it is not there."""
    yield from _own(counter, size, overlap)
    for package, make in _PEERS.items():
        try:
            yield from make(counter, size, overlap)
        except ModuleNotFoundError as error:
            yield f"{package}: not installed ({error.name})"


def peer_versions() -> Iterator[str]:
    for package in _PEERS:
        try:
            yield f"{package} {version(package)}"
        except ModuleNotFoundError:
            yield f"{package} not installed"


def _own(counter: Counter, size: int, overlap: int) -> Iterator[Way | str]:
    registry = Host().registry
    for name in registry.names("chunker"):
        if name in LEFT_OUT:
            continue
        try:
            asked = inspect.signature(registry.resolve("chunker", name)).parameters
            given = {"chunk_size": size, "chunk_overlap": overlap, "tokenizer": counter.spans}
            given = {key: value for key, value in given.items() if key in asked}
            chunker = Pipeline.part("chunker", use=name, **given)
        except Exception as error:  # what cannot be built is told beside what can
            yield f"{name}: {type(error).__name__}: {error}"
            continue

        def cut(text: str, chunker: object = chunker) -> list:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of code without its language, say
                return chunker.chunk(Document("d", text))

        def pieces(text: str, cut: Callable[[str], list] = cut) -> list[Piece]:
            return [Piece(chunk.start, chunk.end, chunk.text) for chunk in cut(text)]

        yield Way(name, cut, pieces, ours=True)


def _langchain(counter: Counter, size: int, overlap: int) -> Iterator[Way]:
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    def splitter(**more: object) -> RecursiveCharacterTextSplitter:
        return RecursiveCharacterTextSplitter(
            chunk_size=size, chunk_overlap=overlap, length_function=counter.count, **more
        )

    plain, telling = splitter(), splitter(add_start_index=True)

    def pieces(text: str) -> list[Piece]:
        found = []
        for part in telling.create_documents([text]):
            start = part.metadata["start_index"]
            end = start + len(part.page_content) if start >= 0 else None
            found.append(Piece(start if start >= 0 else None, end, part.page_content))
        return found

    yield Way("LangChain Recursive", plain.split_text, pieces)


def _llama_index(counter: Counter, size: int, overlap: int) -> Iterator[Way]:
    from llama_index.core import Document as Theirs
    from llama_index.core.node_parser import SentenceSplitter

    splitter = SentenceSplitter(chunk_size=size, chunk_overlap=overlap, tokenizer=counter.ids)

    def pieces(text: str) -> list[Piece]:
        return [
            Piece(node.start_char_idx, node.end_char_idx, node.text)
            for node in splitter.get_nodes_from_documents([Theirs(text=text)])
        ]

    yield Way("LlamaIndex Sentence", splitter.split_text, pieces)


def _chonkie(counter: Counter, size: int, overlap: int) -> Iterator[Way]:
    import chonkie

    made = {"tokenizer": counter.raw, "chunk_size": size}
    for name, chunker in (
        ("Recursive", chonkie.RecursiveChunker(**made)),
        ("Sentence", chonkie.SentenceChunker(**made, chunk_overlap=overlap)),
        ("Token", chonkie.TokenChunker(**made, chunk_overlap=overlap)),
    ):

        def pieces(text: str, chunker: object = chunker) -> list[Piece]:
            return [Piece(c.start_index, c.end_index, c.text) for c in chunker.chunk(text)]

        yield Way(f"chonkie {name}", chunker.chunk, pieces)


def _semantic_text_splitter(counter: Counter, size: int, overlap: int) -> Iterator[Way]:
    from semantic_text_splitter import TextSplitter

    if counter.model is None:
        told = counter.raw.to_str()
        splitter = TextSplitter.from_huggingface_tokenizer_str(told, size, overlap)
    else:
        splitter = TextSplitter.from_tiktoken_model(counter.model, size, overlap)

    def pieces(text: str) -> list[Piece]:
        return [Piece(at, at + len(part), part) for at, part in splitter.chunk_indices(text)]

    yield Way("semantic-text-splitter", splitter.chunk_indices, pieces)


_PEERS = {
    "langchain-text-splitters": _langchain,
    "llama-index-core": _llama_index,
    "chonkie": _chonkie,
    "semantic-text-splitter": _semantic_text_splitter,
}
