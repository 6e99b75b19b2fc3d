"""Reads the text of PDF files, page by page, through pypdf."""

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pypdf
from pypdf.errors import DependencyError

from retrievo.errors import ReadError, RetrievoWarning
from retrievo.types import Document, Section

_BETWEEN_PAGES = "\n\n"
_NAMED = 20
_INFORMATION = {
    "title": "title",
    "author": "author",
    "subject": "subject",
    "keywords": "keywords",
    "date": "creation_date",
}
_log = logging.getLogger("pypdf")
# pypdf's logger is one for the process: two threads that each set its level and set it back could
# leave it silent for good. pypdf is plain Python, so that one file at a time costs nothing.
_one_at_a_time = threading.Lock()


class PdfReader:
    """One document a file: the text of its pages, with a section ("page 3",) where each starts.

    Pages are set apart by a blank line and counted from 1. The metadata holds `pages`, and title,
    author, subject, keywords and date where the file tells them. Pages without text, scanned ones
    say, are a RetrievoWarning. Raises ReadError for a file that is broken, needs a password, or
    holds no text at all.
    """

    suffixes = frozenset({".pdf"})

    def read(self, path: Path) -> Iterator[Document]:
        with _one_at_a_time, _quiet():
            pages, metadata = _pages(path)
        yield _document(path, pages, metadata)


def _document(path: Path, pages: list[str | None], metadata: dict[str, Any]) -> Document:
    if not any(pages):
        raise ReadError(
            f"{path}: no text on its {len(pages)} pages; they are images: make them text with OCR "
            "(ocrmypdf IN OUT), then index the result"
        )
    _tell(path, "hold no text (images?)", [n for n, text in enumerate(pages, 1) if text == ""])
    _tell(path, "cannot be read", [n for n, text in enumerate(pages, 1) if text is None])
    sections, parts, at = [], [], 0
    for number, text in enumerate(pages, 1):
        if text:
            sections.append(Section(at, (f"page {number}",)))
            parts.append(text)
            at += len(text) + len(_BETWEEN_PAGES)
    title = metadata.get("title", "")
    return Document(path.name, _BETWEEN_PAGES.join(parts), metadata, title, tuple(sections))


def _pages(path: Path) -> tuple[list[str | None], dict[str, Any]]:
    """The text of each page, None where a page is broken, and the metadata."""
    with path.open("rb") as file:
        try:
            reader = pypdf.PdfReader(file)
            if reader.is_encrypted and not reader.decrypt(""):
                raise ReadError(
                    f"{path}: it needs a password; save it without one (qpdf --decrypt "
                    "--password=... IN OUT), then index the result"
                )
            count = len(reader.pages)
        except ReadError:
            raise
        except DependencyError as error:
            raise ReadError(f"{path}: {error}; pip install 'retrievo-pdf[aes]'") from error
        # pypdf meets broken files with whatever its code runs into (KeyError, TypeError,
        # RecursionError, zlib.error); what is at fault is always the file.
        except Exception as error:
            raise ReadError(f"{path}: not a PDF that can be read: {_told(error)}") from error
        if not count:
            raise ReadError(f"{path}: not a PDF that can be read: it has no pages")
        texts: list[str | None] = []
        for number in range(count):
            try:
                texts.append(_clean(reader.pages[number].extract_text()))
            except Exception:  # as above; the page is told by number, the others are kept
                texts.append(None)
        if not any(texts) and None in texts:
            raise ReadError(f"{path}: none of its {count} pages can be read; the file is damaged")
        return texts, {"pages": count} | _information(path, reader)


def _information(path: Path, reader: pypdf.PdfReader) -> dict[str, str]:
    """What the file tells of itself, as far as it can be read."""
    found: dict[str, str] = {}
    for name, key in _INFORMATION.items():
        try:
            value = getattr(reader.metadata, key, None)
        except Exception as error:  # as above; the text is what is wanted
            message = f"{path}: its {name} cannot be read and is left out: {_told(error)}"
            warnings.warn(message, RetrievoWarning, stacklevel=2)
            continue
        told = value.isoformat() if isinstance(value, datetime) else value
        if isinstance(told, str) and _clean(told):
            found[name] = _clean(told)
    return found


def _clean(text: str) -> str:
    """Without NULs, and with halves of surrogate pairs, which no file takes, made U+FFFD."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.replace("\0", "").strip()


def _told(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _tell(path: Path, what: str, numbers: list[int]) -> None:
    if numbers:
        more = f" and {len(numbers) - _NAMED} more" if len(numbers) > _NAMED else ""
        named = ", ".join(map(str, numbers[:_NAMED]))
        warnings.warn(f"{path}: pages {named}{more} {what}", RetrievoWarning, stacklevel=3)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without pypdf's log: it writes a line for each oddity that it repairs."""
    level = _log.level
    _log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        _log.setLevel(level)
