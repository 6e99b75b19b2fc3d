import re
import textwrap

import pytest
from token_counters import Words

from retrievo.chunk import code
from retrievo.chunk.code_child import Child
from retrievo.errors import RetrievoWarning
from retrievo.testing.chunkers import ChunkerContract
from retrievo.types import Document

tree_sitter = pytest.importorskip("tree_sitter", reason="needs the extra 'code'")


class Speaking:
    """The chunker, for documents that say which language they are in."""

    def __init__(self, language, **sizes):
        self.language, self.inner = language, code.CodeChunker(**sizes)

    def chunk(self, document):
        metadata = {**document.metadata, "language": self.language}
        return self.inner.chunk(
            Document(document.id, document.text, metadata, document.title, document.sections)
        )


class InPython(ChunkerContract):
    chunk_size = 32
    huge = 200_000
    language = "python"

    @pytest.fixture
    def chunker(self):
        return Speaking(self.language, chunk_size=32, chunk_overlap=8)

    def make(self, chunk_size, chunk_overlap):
        return Speaking(self.language, chunk_size=chunk_size, chunk_overlap=chunk_overlap)


class TestContractPython(InPython):
    def make_with(self, tokenizer):
        return Speaking(self.language, chunk_size=32, chunk_overlap=8, tokenizer=tokenizer)


class TestContractCpp(InPython):
    language = "cpp"
    huge = None


class TestContractRuby(InPython):
    language = "ruby"
    huge = None


@pytest.mark.filterwarnings("ignore::retrievo.errors.RetrievoWarning")
class TestContractLines(InPython):
    language = "elvish"
    huge = 500_000


def cut(text, size, overlap=0, language="python", title="", metadata=None):
    chunker = code.CodeChunker(chunk_size=size, chunk_overlap=overlap, tokenizer=Words())
    given = {"language": language, **(metadata or {})}
    return chunker.chunk(Document("d", textwrap.dedent(text), given, title))


STORE = '''\
import json


class Store:
    """Keeps things."""

    limit = 10

    # What goes in.
    @checked
    def write(self, batch):
        """Write them."""
        self.a.extend(batch)

    def read(self, n):
        return self.a[:n]

    def check(
        self,
        deep: bool = False,
    ) -> int:
        if deep:
            first(self.a, self.b)
            second(self.a, self.b)
        third(self.a, self.b)
        return self.total(self.a, self.b, self.c)


def helper():
    return 1
'''


def test_a_class_is_cut_at_its_methods():
    chunks = cut(STORE, 36)
    found = [
        (chunk.text.splitlines()[0], chunk.context, chunk.metadata.get("symbols"))
        for chunk in chunks
    ]
    check = "def check( self, deep: bool ="  # a quarter of 36 tokens
    assert found == [
        ("import json", "", None),
        ("class Store:", "", ["Store"]),
        ("# What goes in.", "class Store", ["Store", "Store.write"]),
        ("def read(self, n):", "class Store", ["Store", "Store.read"]),
        ("def check(", "class Store", ["Store.check"]),
        ("second(self.a, self.b)", check, ["Store.check"]),
        ("return self.total(self.a, self.b, self.c)", check, ["Store.check"]),
        ("def helper():", "", ["helper"]),
    ]


def test_what_fits_is_one_chunk_with_all_its_names():
    [chunk] = cut(STORE, 200)
    names = ["Store", "Store.write", "Store.read", "Store.check", "helper"]
    assert (chunk.context, chunk.metadata["symbols"]) == ("", names)


def test_a_title_stands_above_the_signatures():
    assert "store.py > class Store" in {chunk.context for chunk in cut(STORE, 40, title="store.py")}


def test_small_neighbours_are_joined_and_no_definition_that_fits_is_cut():
    text = "\n\n".join(f"# number {n}\ndef f{n}(x):\n    y = x\n\n    return y" for n in range(9))
    chunks = cut(text, 45)
    assert [len(chunk.metadata["symbols"]) for chunk in chunks] == [3, 3, 3]
    assert all(chunk.text.startswith("# number") for chunk in chunks)


def test_the_documents_own_entry_wins():
    [chunk] = cut("def f(): pass", 40, metadata={"symbols": 1})
    assert chunk.metadata == {"language": "python", "symbols": 1}


LANGUAGES = {
    "bash": ("greet() {\n  echo hi\n}\n", "greet"),
    "c": ("/* it */\nstatic int *greet(int x)\n{\n  return 0;\n}\n", "greet"),
    "c_sharp": ("class Greeter {\n  public int Greet() { return 1; }\n}\n", "Greeter.Greet"),
    "cpp": ("namespace n {\nclass Greeter {\n  int greet() { return 1; }\n};\n}\n", 
            "n.Greeter.greet"),
    "go": ("package a\n\nfunc (g *Greeter) Greet() int {\n\treturn 1\n}\n", "Greet"),
    "java": ("class Greeter {\n  @Override\n  int greet() { return 1; }\n}\n", "Greeter.greet"),
    "javascript": ("export class Greeter {\n  greet() { return 1; }\n}\n", "Greeter.greet"),
    "php": ("<?php\nclass Greeter {\n  function greet() { return 1; }\n}\n", "Greeter.greet"),
    "python": ("class Greeter:\n  def greet(self): return 1\n", "Greeter.greet"),
    "ruby": ("class Greeter\n  def greet\n    1\n  end\nend\n", "Greeter.greet"),
    "rust": ("impl Greeter {\n  pub fn greet(&self) -> u8 { 1 }\n}\n", "Greeter.greet"),
    "tsx": ("export const Greeter = () => <b>hi</b>;\n", "Greeter"),
    "typescript": (
        "abstract class Greeter {\n  greet(): number { return 1; }\n}\n", "Greeter.greet"),
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_its_definitions(language):
    text, name = LANGUAGES[language]
    [chunk] = cut(text, 200, language=language)
    assert name in chunk.metadata["symbols"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_is_cut_where_its_definitions_end(language):
    text, _ = LANGUAGES[language]
    start, _, body = text.partition("\n") if language in ("php", "go") else ("", "", text)
    size = 2 * len(Words().token_spans(body)) + 3
    chunks = cut(start + "\n" + body * 8, size, language=language)
    assert [chunk.text.count(body.strip()) for chunk in chunks] == [2, 2, 2, 2]


@pytest.mark.parametrize(
    ("metadata", "name"),
    [({"language": "Python"}, "d"), ({"language": "py"}, "d"), ({}, "src/a.py"), ({}, "a.PYI"),
     ({"language": "en"}, "a.py"), ({"language": 3}, "a.py")],
)  # fmt: skip
def test_where_the_language_is_told(metadata, name):
    [chunk] = code.CodeChunker().chunk(Document(name, "def f(): pass", metadata))
    assert chunk.metadata["symbols"] == ["f"]


def test_without_a_language_lines_are_cut_and_that_is_told_once():
    chunker = code.CodeChunker(chunk_size=10, chunk_overlap=0, tokenizer=Words())
    text = "one two three\nfour five six\nseven eight nine\nten\n" * 2
    with pytest.warns(RetrievoWarning, match="name no programming language"):
        chunks = chunker.chunk(Document("notes", text))
    assert all(chunk.text.split()[0] in ("one", "four", "seven", "ten") for chunk in chunks)
    assert chunker.chunk(Document("notes", text)) == chunks


def test_a_missing_grammar_is_named_once(monkeypatch):
    def missing(language):
        raise ImportError(f"No module named 'tree_sitter_{language}'")

    monkeypatch.setattr(code, "grammar", missing)
    chunker = code.CodeChunker()
    for language, package in (("c_sharp", "c-sharp"), ("tsx", "typescript")):
        with pytest.warns(RetrievoWarning, match=f"pip install tree-sitter-{package}$"):
            chunker.chunk(Document("a", "text", {"language": language}))
        chunker.chunk(Document("b", "text", {"language": language}))
    with pytest.warns(RetrievoWarning, match="no tree-sitter grammar for zig is installed"):
        chunker.chunk(Document("a.zig", "text"))


def test_a_grammar_of_another_version_is_told(monkeypatch):
    def other(language):
        raise ValueError("Incompatible Language version 99")

    monkeypatch.setattr(code, "grammar", other)
    with pytest.warns(RetrievoWarning, match="does not fit this tree-sitter .*version 99"):
        code.CodeChunker().chunk(Document("a.py", "text"))


def test_a_text_that_is_too_long_is_cut_at_its_lines(monkeypatch):
    monkeypatch.setattr(code, "MOST", 20)
    with pytest.warns(RetrievoWarning, match="29 characters, at most 20 are parsed"):
        chunks = cut("def f(): pass\n\ndef g(): pass\n", 40)
    assert "symbols" not in chunks[0].metadata


def test_what_keeps_the_parser_busy_is_cut_at_its_lines(monkeypatch):
    child = Child(0.7)
    monkeypatch.setattr(code, "CHILD", child)
    with pytest.warns(RetrievoWarning, match=r"tree-sitter took longer than 0\.7 seconds over it"):
        chunks = cut("->" * 9_000, 40, language="javascript")
    assert len(chunks) > 10
    monkeypatch.setattr(child, "_seconds", 20)
    assert cut("def f(): pass", 40)[0].metadata["symbols"] == ["f"]


def test_a_parser_that_dies_is_told_and_started_again(monkeypatch):
    child = Child()
    monkeypatch.setattr(code, "CHILD", child)
    cut("def f(): pass", 40)

    def gone():
        child._process.kill()
        return child._process

    with monkeypatch.context() as now, pytest.warns(RetrievoWarning, match="process ended with"):
        now.setattr(child, "_running", gone)
        cut("def f(): pass", 40)
    assert cut("def f(): pass", 40)[0].metadata["symbols"] == ["f"]


@pytest.mark.parametrize("before", ["é" * 3, "🙂", "\ufeff", "字 = 1\r\n", "\ud83d", "\x00"])
def test_places_are_characters_not_bytes(before):
    text = f"# {before}\r\n\r\ndef first(x):\r\n    return 'ü', x\r\n\r\ndef second(): return 2"
    chunks = cut(text, 13)
    assert [chunk.text.split("(")[0] for chunk in chunks][-2:] == ["def first", "def second"]


def test_broken_code_keeps_its_other_definitions():
    text = "def a():\n    return 1\n\ndef broken(:\n    x ==== 3 ) }\n\ndef b():\n    return 2\n"
    names = {name for chunk in cut(text, 12) for name in chunk.metadata.get("symbols", ())}
    assert {"a", "b"} <= names


@pytest.mark.parametrize(
    "text",
    [
        "(" * 20_000,
        "[" * 5_000 + "]" * 5_000,
        "x = " + "-" * 20_000 + "1",
        "\n".join(" " * n + f"class C{n}:" for n in range(300)) + " pass",
    ],
)
def test_deep_nesting_is_no_recursion(text):
    chunks = cut(text, 50)
    assert re.sub(r"\s", "", "".join(chunk.text for chunk in chunks)) == re.sub(r"\s", "", text)
    assert max(len(chunk.context) for chunk in chunks) < 2_000


def test_parameters_are_what_chunks_depend_on():
    assert code.CodeChunker(chunk_size=9, chunk_overlap=1).parameters() == {
        "name": "code", "chunk_size": 9, "chunk_overlap": 1, "format": 1}  # fmt: skip
