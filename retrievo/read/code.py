"""Reads source code and configuration files, and names their language."""

from collections.abc import Iterator
from pathlib import Path

from retrievo.read.decoding import decode
from retrievo.types import Document

# The names are those of the tree-sitter grammars, where there is one.
LANGUAGES = {
    ".bash": "bash",
    ".bat": "batch",
    ".c": "c",
    ".cc": "cpp",
    ".cfg": "ini",
    ".clj": "clojure",
    ".cmake": "cmake",
    ".conf": "ini",
    ".cpp": "cpp",
    ".cs": "c_sharp",
    ".css": "css",
    ".cxx": "cpp",
    ".dart": "dart",
    ".el": "elisp",
    ".erl": "erlang",
    ".ex": "elixir",
    ".exs": "elixir",
    ".f90": "fortran",
    ".fish": "fish",
    ".fs": "fsharp",
    ".go": "go",
    ".gradle": "groovy",
    ".graphql": "graphql",
    ".groovy": "groovy",
    ".h": "c",
    ".hcl": "hcl",
    ".hh": "cpp",
    ".hpp": "cpp",
    ".hs": "haskell",
    ".ini": "ini",
    ".java": "java",
    ".jl": "julia",
    ".js": "javascript",
    ".jsx": "javascript",
    ".kt": "kotlin",
    ".kts": "kotlin",
    ".less": "less",
    ".lua": "lua",
    ".m": "objc",
    ".mjs": "javascript",
    ".mk": "make",
    ".ml": "ocaml",
    ".mli": "ocaml",
    ".nim": "nim",
    ".nix": "nix",
    ".php": "php",
    ".pl": "perl",
    ".pm": "perl",
    ".proto": "proto",
    ".ps1": "powershell",
    ".py": "python",
    ".pyi": "python",
    ".pyx": "cython",
    ".r": "r",
    ".rb": "ruby",
    ".rs": "rust",
    ".scala": "scala",
    ".scss": "scss",
    ".sh": "bash",
    ".sql": "sql",
    ".svelte": "svelte",
    ".swift": "swift",
    ".tf": "hcl",
    ".toml": "toml",
    ".ts": "typescript",
    ".tsx": "tsx",
    ".v": "verilog",
    ".vue": "vue",
    ".xml": "xml",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".zig": "zig",
    ".zsh": "bash",
}


class CodeReader:
    """One document a file, character for character, with `language` in its metadata."""

    suffixes = frozenset(LANGUAGES)

    def read(self, path: Path) -> Iterator[Document]:
        language = LANGUAGES[path.suffix.lower()]
        yield Document(path.name, decode(path.read_bytes(), path), {"language": language})
