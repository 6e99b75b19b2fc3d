"""Files and readers for tests of the walk."""

from retrievo.read.html import HtmlReader
from retrievo.read.jsonl import JsonReader
from retrievo.read.markdown import MarkdownReader
from retrievo.read.text import TextReader

READERS = {
    "text": TextReader(), "markdown": MarkdownReader(), "json": JsonReader(), "html": HtmlReader(),
}  # fmt: skip


class Fake:
    """Yields what it was given, and raises what is an exception."""

    suffixes = frozenset({".fake"})

    def __init__(self, *items, many=False):
        self.items = items
        self.many = many

    def read(self, path):
        for item in self.items:
            if isinstance(item, Exception):
                raise item
            yield item


def write(top, **files):
    for name, data in files.items():
        path = top / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return top


def reasons(walk):
    return [(skipped.path.name, skipped.reason) for skipped in walk.skipped]
