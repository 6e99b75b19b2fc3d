"""Contexts made of what is known of a chunk: title, headings, neighbours, metadata."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from retrievo.arguments import check_whole
from retrievo.contextualize.fitting import Fitting
from retrievo.contextualize.placeholders import METADATA, Template
from retrievo.contracts import Encoder
from retrievo.metadata import as_text, value_at
from retrievo.titles import begins_with_title
from retrievo.types import Chunk, Document

FORMAT = 1
"""Counts up when the same chunk and the same parameters get another context."""

KNOWN = ("title", "headings", "before", "after", "id")
_SEEN = 1_000
"""Characters of a neighbour that are looked at; a sentence that is longer is cut."""

_END = re.compile(r"(?<=[.!?…])[\"')\]»”’*_]{0,3}\s+|(?<=[。！？])|\n\s*\n\s*")


class TemplateContextualizer:
    """Contexts by a template: the same for the same document and chunk, and at no cost.

    `template` may hold {title}, {headings} (the path of headings above the chunk, joined by
    `separator`), {before} and {after} (as many `sentences` of the text before and after the
    chunk), {id} (the document's), and {metadata.KEY}. What has no value leaves no separator, and a
    line of which nothing has any is left out; `{{` stands for a brace. A title or heading that the
    chunk's text begins with is not repeated. The result takes the place of the chunker's own
    context, and is cut at its end where it does not fit beside the text.
    """

    def __init__(
        self,
        *,
        template: str = "{title}\n{headings}",
        separator: str = " > ",
        sentences: int = 1,
        encoder: Encoder | None = None,
    ) -> None:
        check_whole("sentences", sentences, 1)
        self._template = Template(template, KNOWN)
        self._text, self._separator, self._sentences = template, separator, sentences
        self._fitting = Fitting(encoder)

    def parameters(self) -> dict[str, Any]:
        """What a passport keeps: with other values chunks get other contexts."""
        return {
            "name": "template",
            "template": self._text,
            "separator": self._separator,
            "sentences": self._sentences,
            "format": FORMAT,
        }

    def contextualize(self, document: Document, chunks: Sequence[Chunk]) -> list[Chunk]:
        """The chunks with their new contexts; a warning counts those that had to be cut."""
        made, cut = [], 0
        starts = [section.start for section in document.sections]
        for number, chunk in enumerate(chunks):

            def value(name: str, number: int = number) -> str:
                return _line(self._value(name, document, starts, chunks, number))

            context = self._template.fill(value)
            fitted = self._fitting.fit(context, chunk.text)
            cut += fitted != context
            made.append(chunk if fitted == chunk.context else replace(chunk, context=fitted))
        self._fitting.tell_cut(cut, len(chunks))
        return made

    def _value(
        self,
        name: str,
        document: Document,
        starts: list[int],
        chunks: Sequence[Chunk],
        number: int,
    ) -> str:
        chunk = chunks[number]
        if name == "title":
            return "" if begins_with_title(document.title, chunk.text) else document.title
        if name == "headings":
            return self._separator.join(self._headings(document, starts, chunk))
        if name == "before":
            start = chunks[number - 1].start if number else 0
            return self._last(document.text[max(start, chunk.start - _SEEN) : chunk.start])
        if name == "after":
            # The neighbour's own text, without what it repeats of this chunk.
            end = chunks[number + 1].end if number + 1 < len(chunks) else len(document.text)
            return self._first(document.text[chunk.end : min(end, chunk.end + _SEEN)])
        if name == "id":
            return document.id
        key = name.removeprefix(METADATA)
        found = value_at(chunk.metadata, key)
        return as_text(value_at(document.metadata, key) if found is None else found)

    def _headings(self, document: Document, starts: list[int], chunk: Chunk) -> list[str]:
        found = chunk.metadata.get("headings")
        if not isinstance(found, list):
            at = bisect_right(starts, chunk.start) - 1
            found = list(document.sections[at].path) if at >= 0 else []
        path = [_line(str(one)) for one in found]
        if "title" in self._template.names and path[:1] == [_line(document.title)]:
            del path[0]  # the first heading of a page is most often its title
        if path and chunk.text.lstrip("# ").startswith(path[-1]):
            del path[-1]
        return [one for one in path if one]

    def _last(self, text: str) -> str:
        ends = [end.end() for end in _END.finditer(text.rstrip())]
        return text[ends[-self._sentences] :] if len(ends) >= self._sentences else text

    def _first(self, text: str) -> str:
        text = text.lstrip()
        ends = [end.end() for end in _END.finditer(text)]
        return text[: ends[self._sentences - 1]] if len(ends) >= self._sentences else text


def _line(text: str) -> str:
    return " ".join(text.split())
