"""Reads HTML through lxml: the text that a browser would show, with its headings.

lxml rather than another parser: libxml2 has repaired other people's HTML for decades, and its tree
can be walked without recursion.
"""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree

from retrievo.errors import ReadError
from retrievo.headings import nest
from retrievo.read.decoding import byte_order_mark, decode, refuse_binary
from retrievo.types import Document

_UNSEEN = frozenset(
    "audio canvas datalist head iframe noscript object script style svg template video".split()
)
_LINES = frozenset("address dd div dt fieldset figcaption form li option summary tr".split())
_PARAGRAPHS = frozenset(
    "article aside blockquote body details dl figure footer h1 h2 h3 h4 h5 h6 header hr main nav "
    "ol p pre section table ul".split()
)
_CELLS = frozenset({"td", "th"})
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_METADATA = frozenset({"description", "author", "keywords", "date"})
_CHARSET = re.compile(
    rb"""<(?:meta\b[^>]*?charset\s*=|\?xml\b[^>]*?encoding\s*=)\s*["']?\s*([\w.:-]+)""", re.I
)
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)


MOST_ATTRIBUTES = 10_000
_LONG_TAG = re.compile(r"<[a-zA-Z][^<>]{20000,}")


class HtmlReader:
    """One document a file: visible text, blocks on lines of their own, paragraphs set apart.

    Whitespace is collapsed outside of `<pre>`. Headings become sections; the title is `<title>` or
    the first h1; description, author, keywords (a list), date and `lang` join the metadata.
    The encoding is the byte order mark's, the declared one, or UTF-8. Raises ReadError for bytes
    that do not fit it, and where libxml2 gives up (2.14 does at 2,048 nested elements).
    """

    suffixes = frozenset({".html", ".htm", ".xhtml"})

    def read(self, path: Path) -> Iterator[Document]:
        root = _parse(_decode(path.read_bytes(), path), path)
        if root is None:  # nothing but spaces and comments
            yield Document(path.name, "")
            return
        text, found = _Page().of(root)
        h1 = next((name for level, _, name in found if level == 1), "")
        title = " ".join("".join(root.xpath("(//title[not(ancestor::svg)])[1]//text()")).split())
        yield Document(path.name, text, _metadata(root), title or h1, nest(found))


def _decode(data: bytes, path: Path) -> str:
    declared = _CHARSET.search(data[:4096])
    if byte_order_mark(data) or declared is None:
        return decode(data, path)
    refuse_binary(data, path)
    name = declared[1].decode("ascii", "replace")
    try:
        return data.decode(_encoding(name))
    except LookupError:
        raise ReadError(f"{path}: it declares the unknown encoding {name!r}") from None
    except UnicodeDecodeError as error:
        raise ReadError(
            f"{path}: it declares {name}, but byte {error.start} "
            f"(0x{data[error.start]:02x}) is none of it; correct its <meta charset>"
        ) from error


def _encoding(name: str) -> str:
    encoding = codecs.lookup(name).name
    # As browsers read them (encoding.spec.whatwg.org): what could read the declaration is no
    # UTF-16, and pages that declare Latin-1 were written in its Windows superset.
    if encoding.startswith(("utf-16", "utf-32")):
        return "utf-8"
    return "cp1252" if encoding in ("iso8859-1", "ascii") else encoding


def _refuse_crowded(text: str, path: Path) -> None:
    """Raise ReadError for a tag with thousands of attributes.

    libxml2 compares each with all before it: 200,000 take seven minutes.
    """
    for tag in _LONG_TAG.finditer(text):
        if tag.group().count("=") > MOST_ATTRIBUTES:
            line = text.count("\n", 0, tag.start()) + 1
            raise ReadError(
                f"{path}: a tag in line {line} has more than {MOST_ATTRIBUTES} attributes; "
                "no page needs them, and reading them would take minutes"
            )


def _parse(text: str, path: Path) -> Any:
    _refuse_crowded(text, path)
    # huge_tree: without it libxml2 drops the rest of a page that nests 255 deep (unclosed <font>s
    # do) or holds 10 MB of text; the walk's max_bytes is the limit here.
    parser = etree.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True
    )
    try:
        root = etree.fromstring(text.replace("\r\n", "\n").encode(), parser)
    except etree.XMLSyntaxError:  # older libxml2 where there is no element at all, newer gives None
        root = None
    for entry in parser.error_log:  # type: ignore[attr-defined, unused-ignore]
        if entry.type_name in ("ERR_RESOURCE_LIMIT", "ERR_INTERNAL_ERROR"):
            raise ReadError(
                f"{path}: libxml2 gave up in line {entry.line} ({entry.message.strip()}); "
                "close the elements that are left open there"
            )
    return root


def _metadata(root: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    for meta in root.iter("meta"):
        name, content = meta.get("name", "").lower(), meta.get("content", "").strip()
        if name in _METADATA and content:
            words = [word.strip() for word in content.split(",")]
            metadata.setdefault(name, words if name == "keywords" else content)
    lang = root.get("lang") or root.get("xml:lang")
    return metadata | ({"lang": lang} if lang else {})


class _Page:
    """Writes the text of one tree; a break that is due is written before the next word only."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.length = 0
        self.due = ""
        self.headings: list[tuple[int, int, str]] = []

    def of(self, root: Any) -> tuple[str, list[tuple[int, int, str]]]:
        pre, heading, opened = 0, None, (0, 0)
        walk = etree.iterwalk(root, events=("start", "end"))
        for event, element in walk:
            tag = element.tag
            if event == "start":
                if tag in _UNSEEN or _is_hidden(element):
                    walk.skip_subtree()
                    continue
                if tag == "br":
                    self.due = "\n\n" if "\n" in self.due else "\n"
                self._separate(tag)
                if tag in _HEADINGS and heading is None:
                    heading, opened = element, (len(self.out), self.length)
                pre += tag == "pre"
                text = element.text
                # The line end after <pre> is not part of it (HTML standard, 13.2.6.4.7).
                self._write(text.removeprefix("\n") if text and tag == "pre" else text, pre)
                continue
            if element is heading:
                self._head(_HEADINGS[tag], *opened)
                heading = None
            if tag not in _UNSEEN and not _is_hidden(element):
                pre -= tag == "pre"
                self._separate(tag)
            if element is not root:
                self._write(element.tail, pre)
        return "".join(self.out), self.headings

    def _head(self, level: int, piece: int, start: int) -> None:
        written = "".join(self.out[piece:])
        name = " ".join(written.split())
        if name:
            # The break before the heading's first word was still due when it was opened.
            start += len(written) - len(written.lstrip())
            self.headings.append((level, start, name))

    def _separate(self, tag: object) -> None:
        if tag in _PARAGRAPHS:
            self._break("\n\n")
        elif tag in _LINES:
            self._break("\n")
        elif tag in _CELLS:
            self._break(" ")

    def _break(self, wanted: str) -> None:
        # Longer is stronger, and of the two of length 1 the line end.
        self.due = max(self.due, wanted, key=lambda due: (len(due), due == "\n"))

    def _write(self, text: str | None, pre: int) -> None:
        if not text:
            return
        text = text.replace("\xad", "")  # a soft hyphen would split the word for every search
        if pre:
            body = text.rstrip("\n")
            self._emit(body)
            self.due += text[len(body) :]
            return
        words = " ".join(text.split())
        if text[:1].isspace():
            self._break(" ")
        self._emit(words)
        if words and text[-1].isspace():
            self._break(" ")

    def _emit(self, text: str) -> None:
        if not text:
            return
        written = (self.due if self.out else "") + text
        self.due = ""
        self.out.append(written)
        self.length += len(written)


def _is_hidden(element: Any) -> bool:
    return element.get("hidden") is not None or bool(_HIDDEN_STYLE.search(element.get("style", "")))
