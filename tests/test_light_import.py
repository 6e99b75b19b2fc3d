"""What an import must not bring along, seen in a fresh interpreter."""

import subprocess
import sys

import pytest

HEAVY = (
    "torch",
    "transformers",
    "sentence_transformers",
    "qdrant_client",
    "qdrant_edge",
    "httpx",
    "tiktoken",
    "typer",
    "tokenizers",
    "lxml",
)


def loaded(code):
    """The heavy modules that are in sys.modules after the code."""
    probe = f"import sys; {code}; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_retrievo_brings_nothing_heavy():
    assert loaded("import retrievo") == set()
    light = "import retrievo; assert 'numpy' not in sys.modules and 'pydantic' not in sys.modules"
    assert loaded(light) == set()


def test_the_public_names_bring_nothing_heavy():
    assert loaded("import retrievo; retrievo.Pipeline, retrievo.Document, retrievo.F") == set()


def test_listing_plugins_brings_nothing_heavy():
    code = (
        "from retrievo.host import Host; host = Host(); "
        "[host.registry.available(entry) for entry in host.registry.entries()]"
    )
    assert loaded(code) == set()


def test_the_default_pipeline_needs_no_torch_and_no_client():
    code = (
        "import retrievo; p = retrievo.Pipeline(); "
        "p.index([retrievo.Document('a', 'text')]); p.search('text')"
    )
    assert loaded(code) <= {"tokenizers"}


@pytest.mark.parametrize("command", ["--help", "plugins"])
def test_commands_that_only_tell_are_light(command):
    code = (
        "from retrievo.cli import main; "
        f"sys.argv = ['retrievo', {command!r}]; sys.stdout = open('/dev/null', 'w')\n"
        "try: main()\nexcept SystemExit: pass\n"
        "sys.stdout = sys.__stdout__; "
    ).rstrip("; ")
    probe = f"import sys\n{code}\nprint(*[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    heavy = {"torch", "transformers", "sentence_transformers", "qdrant_client", "httpx", "tiktoken"}
    assert set(done.stdout.split()) & heavy == set()
