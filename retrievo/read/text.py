"""Reads plain text and the markup that is read as plain text."""

from collections.abc import Iterator
from pathlib import Path

from retrievo.read.decoding import decode
from retrievo.types import Document


class TextReader:
    """One document a file; its text is the file's, character for character."""

    suffixes = frozenset(
        {".txt", ".text", ".log", ".rst", ".rest", ".adoc", ".asciidoc", ".org", ".tex"}
    )

    def read(self, path: Path) -> Iterator[Document]:
        yield Document(path.name, decode(path.read_bytes(), path))
