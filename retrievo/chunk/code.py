"""Cuts source code at its definitions, by tree-sitter grammars."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from retrievo.chunk.boundaries import Boundaries
from retrievo.chunk.code_child import CHILD
from retrievo.chunk.code_outline import Outline, grammar
from retrievo.chunk.cutting import Cutter, Window, empty_chunk
from retrievo.chunk.measured import Measured
from retrievo.chunk.sizing import Sizing
from retrievo.chunk.structure import Part, Preferred, cut_parts
from retrievo.contracts import Encoder, Tokenizer
from retrievo.languages import LANGUAGES
from retrievo.telling import tell
from retrievo.types import Chunk, Document

FORMAT = 1
"""Counts up when the same text and the same parameters give other chunks."""

MOST = 1_000_000
"""Characters of the longest text that is parsed: a longer one was made by a program."""

_NAMES = {"c++": "cpp", "c#": "c_sharp", "csharp": "c_sharp", "golang": "go", "js": "javascript",
          "py": "python", "sh": "bash", "shell": "bash", "ts": "typescript"}  # fmt: skip
_LINE_END = re.compile(r"\r\n?|\n")
_INSTALLABLE = frozenset(
    "bash c c_sharp cpp go java javascript php python ruby rust tsx typescript".split()
)


class CodeChunker:
    """Chunks of at most `chunk_size` tokens that end where functions, classes and methods end.

    Definitions that fit together are one chunk, each with its comments and decorators; one that
    does not fit is cut at its members, its statements, its lines, and what is cut inside of a
    statement repeats at most `chunk_overlap` tokens. A chunk's context is the title and the
    signatures that it stands under, as "class Store > def write(self, batch)"; its metadata has the
    names that it defines or goes on with as `symbols`, unless the document has an entry of that
    name.

    The language is the document's metadata `language`, else told by its id's suffix. Without a
    grammar (`pip install tree-sitter-LANGUAGE`), and for what is longer than `MOST` or keeps
    tree-sitter busy for 20 seconds, a text is cut at its lines, and a RetrievoWarning says so, once
    a language.
    `tokenizer` is what RecursiveChunker takes.
    """

    def __init__(
        self,
        *,
        chunk_size: int = 256,
        chunk_overlap: int | None = None,
        tokenizer: Tokenizer | str | None = None,
        encoder: Encoder | None = None,
    ) -> None:
        self._sizing = Sizing(chunk_size, chunk_overlap, tokenizer, encoder)
        self._told: set[str] = set()
        self._usable: dict[str, bool] = {}

    @property
    def tokenizer_name(self) -> str:
        """What a passport calls the tokenizer that counts."""
        return self._sizing.tokenizer_name

    def parameters(self) -> dict[str, Any]:
        """What a passport keeps of this chunker: with other values it makes other chunks."""
        return self._sizing.parameters("code", FORMAT)

    def chunk(self, document: Document) -> list[Chunk]:
        """Chunks in order, without white space at their edges; all else of the text is in one.

        A text of nothing but white space gives one chunk, empty, at 0.
        """
        if not document.text.strip():
            return [empty_chunk(document, self._sizing.fitted(document.title)[0])]
        measured = Measured(document.text, self._sizing.tokenizer)
        found = self._outline(document, measured)
        lines = Boundaries(measured.text)
        if found is None:
            whole = [Part(0, len(document.text))]
            cutter = Cutter(measured, lines)
            return cut_parts(document, whole, cutter, self._sizing, key="symbols")
        ends = [end.start() for end in _LINE_END.finditer(measured.text)]
        places = Preferred(lines, [*found.levels, ends], [found.kept])
        begins = [place for place, _ in found.symbols]
        around = {start: name for start, _, _, _, name in found.runs}

        def names(part: Part, window: Window) -> Sequence[str]:
            first, end = bisect_left(begins, window.start), bisect_left(begins, window.end)
            under = around[part.start]
            inside = [name for _, name in found.symbols[first:end]]
            return list(dict.fromkeys([under, *inside] if under else inside))

        parts = [Part(start, end, path, above) for start, end, path, above, _ in found.runs]
        cutter = Cutter(measured, places, kept=found.kept)
        return cut_parts(document, parts, cutter, self._sizing, key="symbols", names=names)

    def _outline(self, document: Document, measured: Measured) -> Outline | None:
        """None where the text has to be cut at its lines; that is told."""
        language = _language(document)
        if not self._has(language):
            return None
        text, limit = measured.text, self._sizing.limit
        if len(text) > MOST:
            self._tell(
                f"{document.id}: it has {len(text):,} characters, at most {MOST:,} are parsed; "
                "it is cut at its lines"
            )
            return None
        # A context takes its part of what the encoder reads.
        budget = limit if self._sizing.room is None else max(1, limit * 7 // 8)
        found = CHILD.outline(language, text, measured.starts.tolist(), budget)
        if isinstance(found, Outline):
            return found
        self._tell(f"{document.id}: it is cut at its lines, because {found}")
        return None

    def _has(self, language: str) -> bool:
        if language not in self._usable:
            why = _missing(language)
            self._usable[language] = not why
            if why:
                self._tell(why)
        return self._usable[language]

    def _tell(self, message: str) -> None:
        if message not in self._told:
            self._told.add(message)
            tell(message, stacklevel=4)


def _language(document: Document) -> str:
    """The name of a grammar, "" where nothing tells it."""
    given = document.metadata.get("language")
    if isinstance(given, str):
        name = given.strip().lower()
        name = _NAMES.get(name, name)
        if name in _INSTALLABLE or name in LANGUAGES.values():
            return name
    end = document.id.rpartition("/")[2].rpartition(".")[2].lower()
    return LANGUAGES.get(f".{end}", "")


def _missing(language: str) -> str:
    """Why there is no grammar of a language; empty where there is one."""
    if not language:
        return (
            "some documents name no programming language and are cut at their lines; set the "
            "metadata `language` ('python', say), or give them ids that end like '.py'"
        )
    try:
        grammar(language)
    except ImportError as error:
        if language not in _INSTALLABLE:
            return f"no tree-sitter grammar for {language} is installed; it is cut at its lines"
        package = "typescript" if language == "tsx" else language.replace("_", "-")
        return (
            f"the grammar of {language} is not installed ({error}), its documents are cut at their "
            f"lines; run: pip install tree-sitter-{package}"
        )
    except (ValueError, TypeError, OSError) as error:
        return (
            f"the grammar of {language} does not fit this tree-sitter ({error}), its documents are "
            f"cut at their lines; run: pip install --upgrade 'retrievo[code]'"
        )
    return ""
