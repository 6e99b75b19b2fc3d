"""Reads Markdown: front matter into metadata, headings into sections, the text as it stands."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from retrievo.errors import DocumentError
from retrievo.headings import headings, nest
from retrievo.metadata import plain_metadata
from retrievo.read.decoding import decode
from retrievo.telling import tell
from retrievo.types import Document

_FRONT = re.compile(r"---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.S | re.M)
_MAX_FRONT = 65_536


class MarkdownReader:
    """One document a file; its text is what follows the front matter, character for character.

    Front matter is a YAML mapping between `---` lines at the very start; it becomes the metadata.
    Where it is not valid, a RetrievoWarning tells why and it stays in the text. The title is the
    front matter's, or else the first heading of level 1. Headings in code blocks are not headings.
    """

    suffixes = frozenset({".md", ".markdown", ".mdx"})

    def read(self, path: Path) -> Iterator[Document]:
        text = decode(path.read_bytes(), path)
        found = _FRONT.match(text)
        if found:
            try:
                metadata = _mapping(found[1])
                if metadata is not None:
                    yield _document(path, text[found.end() :], metadata)
                    return
            # ValueError: a date or number that YAML's pattern takes and Python does not.
            except (yaml.YAMLError, DocumentError, ValueError, RecursionError) as error:
                why = " ".join(str(error).split())
                message = f"{path}: its front matter is kept as text: {why}"
                tell(message)
        yield _document(path, text, {})


def _document(path: Path, text: str, metadata: dict[str, Any]) -> Document:
    found = headings(text)
    given = metadata.get("title")
    title = next((name for level, _, name in found if level == 1), "") if given is None else given
    return Document(path.name, text, metadata, str(title), nest(found))


class _Loader(yaml.SafeLoader):
    """YAML 1.2's reading of plain words: `no` is a word, 012 and 1:30 are not numbers."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        # A few aliases of aliases make gigabytes (the "billion laughs"); front matter needs none.
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it uses an alias (*name), which front matter may not")
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {
    first: [rule for rule in rules if not rule[0].endswith((":bool", ":int", ":float"))]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _tag, _pattern, _first in (
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)\Z", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)\Z", "-+0123456789"),
    ("float", r"[-+]?(?:0|[1-9][0-9]*)?\.[0-9]+(?:[eE][-+]?[0-9]+)?\Z", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def _mapping(front: str) -> dict[str, Any] | None:
    """The front matter, None where it is not a mapping: then `---` was a rule, not a fence."""
    if len(front) > _MAX_FRONT:
        raise yaml.YAMLError(f"{len(front):,} characters, at most {_MAX_FRONT:,} are read")
    data = yaml.load(front, _Loader)
    if data is None:
        return {}
    if not isinstance(data, dict):
        return None
    # Checked here, where the file can still be kept: metadata takes what JSON can hold.
    return plain_metadata(_named(data), "front matter")


def _named(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _named(item) for key, item in value.items()}
    return [_named(item) for item in value] if isinstance(value, list) else value
