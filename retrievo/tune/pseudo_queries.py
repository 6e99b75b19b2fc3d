"""Queries that documents ask of themselves: a piece of one is cut out and searched for."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from retrievo.chunk.sentence_ends import sentence_ends
from retrievo.contracts import Store
from retrievo.types import Chunk, Rows

LEAST_WORDS, MOST_WORDS = 2, 40
LEFT = 60
"""Characters that must be left of a chunk: of less nothing can be found."""

_DOCSTRING = re.compile(
    r"(?P<q>\"\"\"|''')(?P<python>.*?)(?P=q) | /\*\*?(?P<block>.*?)\*/"
    r"| ^[ \t]*(?:///?|\#(?!!))[ ]?(?P<line>[^\n]*(?:\n[ \t]*(?:///?|\#)[^\n]*)*)",
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
_LINE_MARKS = re.compile(r"^[ \t]*(?:\*|///?|#)[ \t]?", re.MULTILINE)
_CODE = re.compile(
    r"^[ \t]*(?:async +def|def|class|func|fn|pub|public|private|static|function|export|import|from"
    r"|\#include|package|using|struct|impl|const|return)\b[^.?!]*[({;:]",
    re.MULTILINE,
)
_HEADING = re.compile(r"\s*#{1,6}[ \t]+(?P<title>[^\n]+)\n")
_PARTS = re.compile(r"\s+(?:>|/|\||»|::)\s+")
_WORD = re.compile(r"\w+")


class PseudoQuery(NamedTuple):
    """A text to search for, and the chunk that should be found, from which it was cut out.

    `rows` are all of its document: none but the shortened chunk is to be found of it.
    """

    text: str
    chunk: Chunk
    rows: Rows


def pseudo_queries(store: Store, n: int, seed: int) -> list[PseudoQuery]:
    """Of `n` documents, drawn by the seed, those pieces that make a query.

    The title's last part, else the docstring, else the first sentence of the first chunk.
    """
    rows = [part for part in store.scan()]
    if not rows:
        return []
    every = np.concatenate(rows)
    numbers = np.concatenate([store.document_numbers(part) for part in rows])
    _, first = np.unique(numbers, return_index=True)
    # In the order of their first rows: document numbers are the store's own affair.
    first = np.sort(first)
    drawn = np.random.default_rng(seed).permutation(first)[:n]
    found = []
    for place, chunk in zip(drawn.tolist(), store.get(every[drawn]), strict=True):
        cut = cut_out(chunk)
        if cut is not None:
            found.append(PseudoQuery(*cut, every[numbers == numbers[place]]))
    return found


def cut_out(chunk: Chunk) -> tuple[str, Chunk] | None:
    """A piece of the chunk as a query, and the chunk without it; None where none will do."""
    for text, context, piece in _candidates(chunk):
        words = _WORD.findall(piece)
        if not LEAST_WORDS <= len(words):
            continue
        query = " ".join(piece.split()[:MOST_WORDS])
        rest = _without(text, query)
        if len(rest.strip()) < LEFT:
            continue
        # A span no longer fits a shortened text, and nothing here asks for it.
        return query, replace(
            chunk, text=rest, context=_without(context, query).strip(" >\n"), id=""
        )
    return None


def _candidates(chunk: Chunk) -> Sequence[tuple[str, str, str]]:
    """Text and context without the piece, and the piece: the best first."""
    made = []
    lines = [line for line in chunk.context.splitlines() if line.strip()]
    if lines:
        title = _PARTS.split(lines[-1])[-1]
        made.append((chunk.text, chunk.context, title))
    if heading := _HEADING.match(chunk.text):
        rest = chunk.text[heading.end() :]
        made.append((rest, chunk.context, _PARTS.split(heading["title"])[-1]))
    if _CODE.search(chunk.text) and (doc := _DOCSTRING.search(chunk.text)):
        rest = chunk.text[: doc.start()] + chunk.text[doc.end() :]
        said = _LINE_MARKS.sub("", doc["python"] or doc["block"] or doc["line"] or "").strip()
        made.append((rest, chunk.context, said.partition("\n\n")[0]))
    ends = sentence_ends(chunk.text)
    if ends:
        made.append((chunk.text[ends[0] :], chunk.context, chunk.text[: ends[0]].strip()))
    return made


def _without(text: str, piece: str) -> str:
    """The text without the piece, wherever it stands and however its words are spaced."""
    pattern = r"\s+".join(re.escape(word) for word in piece.split())
    return re.sub(pattern, " ", text, flags=re.IGNORECASE)
