"""Turns a file's bytes into text without guessing: Unicode, or an error that names the byte."""

import codecs
from pathlib import Path

from retrievo.errors import ReadError

# The longer marks come first: UTF-32-LE's begins with UTF-16-LE's.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HEAD = 8192


def byte_order_mark(data: bytes) -> tuple[str, int] | None:
    """The encoding that the data's byte order mark names and the mark's length, None without."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding, len(mark)
    return None


def refuse_binary(data: bytes, path: Path) -> None:
    """Raise ReadError where the first 8 KiB hold a NUL byte, which no text in UTF-8 needs."""
    at = data.find(b"\0", 0, _HEAD)
    if at >= 0:
        raise ReadError(
            f"{path}: a binary file: NUL at byte {at} (if it is UTF-16 without a byte order mark: "
            "iconv -f UTF-16LE -t UTF-8)"
        )


def decode(data: bytes, path: Path) -> str:
    """The text, its line ends untouched, without the byte order mark that may name its encoding.

    Raises ReadError for binary data and for what is not UTF-8, with the first bad byte's place.
    """
    marked = byte_order_mark(data)
    if marked is None:
        refuse_binary(data, path)
    encoding, start = marked or ("utf-8", 0)
    try:
        return data[start:].decode(encoding)
    except UnicodeDecodeError as error:
        at = start + error.start
        raise ReadError(
            f"{path}: not {encoding.upper()} at byte {at} (0x{data[at]:02x}); convert it "
            "(iconv -f ITS-ENCODING -t UTF-8)"
        ) from error
