"""Reads source code and configuration files, and names their language."""

from collections.abc import Iterator
from pathlib import Path

from retrievo.languages import LANGUAGES
from retrievo.read.decoding import decode
from retrievo.types import Document


class CodeReader:
    """One document a file, character for character, with `language` in its metadata."""

    suffixes = frozenset(LANGUAGES)

    def read(self, path: Path) -> Iterator[Document]:
        language = LANGUAGES[path.suffix.lower()]
        yield Document(path.name, decode(path.read_bytes(), path), {"language": language})
