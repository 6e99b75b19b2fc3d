"""The pages run as a reader would run them: each in a folder of its own, from top to bottom."""

import importlib.util
import io
import os
import shlex
import subprocess
import sys
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from docs_pages import PAGES, ROOT, Block, blocks_of, same, same_json, same_text

from retrievo.errors import RetrievoWarning

SETUP = {
    "README.md": {
        "docs/keys.md": "---\nlang: en\n---\n# Keys\n\nTo rotate a key, make a new one first.\n"
    },
}
"""Files that a page takes for granted, by the page's name."""

COMMANDS = ("retrievo", "pytest")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to be in, whose modules can be imported and are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


def run_python(block: Block, page: Path, names: dict[str, object]) -> str:
    # Errors then name the page and the line in it.
    code = compile("\n" * (block.line - 1) + block.body, str(page), "exec")
    with redirect_stdout(io.StringIO()) as out, warnings.catch_warnings():
        warnings.simplefilter("ignore", RetrievoWarning)  # pages show how files are told of
        exec(code, names)
    return out.getvalue()


def run_console(block: Block, page: Path) -> str:
    """What its commands of COMMANDS print, as a terminal shows it; others are not run."""
    environment = {
        **os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.getcwd()]),
        "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8", "COLUMNS": "90", "NO_COLOR": "1",
    }  # fmt: skip
    out = ""
    for line in block.body.splitlines():
        command, _, into = line.removeprefix("$ ").partition(" > ")
        module, *arguments = shlex.split(command, comments=True) or [""]
        if not line.startswith("$ ") or module not in COMMANDS:
            continue
        told = subprocess.STDOUT if "--json" not in arguments else subprocess.PIPE
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            stdout=subprocess.PIPE, stderr=told, text=True, encoding="utf-8", env=environment,
        )  # fmt: skip
        assert done.returncode == 0, f"{page}: {line}\n{done.stdout}{done.stderr or ''}"
        if into:
            Path(into.strip()).write_text(done.stdout, "utf-8")
        else:
            out += done.stdout
    return out


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_page(page, folder):
    for path, text in SETUP.get(name_of(page), {}).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    names: dict[str, object] = {"__name__": "__docs__"}
    out: str | None = None
    for block in blocks_of(page):
        shown = block.kind in ("text", "json") and block.follows and not block.mark
        if shown and out is not None:
            assert same(block, out), f"{page}:{block.line} shows\n{block.body}\nbut it is\n{out}"
        out = None
        if block.marked("not run"):
            continue
        if path := block.marked("file"):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(block.body, "utf-8")
        elif path := block.marked("from"):
            assert block.body in (ROOT / path).read_text("utf-8"), f"{page}:{block.line}: {path}"
        elif block.kind == "python":
            out = run_python(block, page, names)
        elif block.kind == "console":
            out = run_console(block, page)


@pytest.mark.parametrize(
    ("shown", "found", "equal"),
    [
        ("a\nb\n", "a  \nb\n\n", True),
        ("a\nb\n", "a\nc\n", False),
        ("a\n", "a\nb\n", False),
        ("a\n...\nd\n", "a\nb\nc\nd\n", True),
        ("a\n...\n", "a\nb\n", True),
        ("a\n...\nd\n", "a\nb\n", False),
        ("x; 0.4 s\n", "x; 12.9 s\n", True),
        ("x 0.4\n", "x 0.5\n", False),
        ("  a b\n", "a b\n", False),
    ],
)
def test_text_that_is_shown(shown, found, equal):
    assert same_text(shown, found) is equal


@pytest.mark.parametrize(
    ("shown", "found", "equal"),
    [
        ({"a": 0.5}, {"a": 0.50001}, True),
        ({"a": 0.5}, {"a": 0.6}, False),
        ({"a": 1}, {"b": 1}, False),
        ({"a": [1, 2]}, {"a": [1]}, False),
        ({"seconds": 1.0}, {"seconds": 2.0}, True),
        ({"seconds": 1.0}, {"seconds": None}, False),
        ({"a": 1}, {"a": True}, False),
    ],
)
def test_json_that_is_shown(shown, found, equal):
    assert same_json(shown, found) is equal


def test_every_mark_is_understood():
    known = {"", "not run", "file", "from"}
    for page in PAGES:
        for block in blocks_of(page):
            mark, _, what = block.mark.partition(": ")
            assert mark in known and bool(mark) == bool(what), f"{page}:{block.line} {block.mark}"


def generator():
    spec = importlib.util.spec_from_file_location(
        "generate_configuration", ROOT / "docs" / "generate_configuration.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_configuration_reference_is_generated():
    made = generator().page()
    written = (ROOT / "docs" / "reference" / "configuration.md").read_text("utf-8")
    assert written == made, "run: python docs/generate_configuration.py"


def test_every_page_is_in_the_navigation():
    listed = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:")[2]
    for page in sorted((ROOT / "docs").rglob("*.md")):
        assert f" {page.relative_to(ROOT / 'docs').as_posix()}\n" in listed
