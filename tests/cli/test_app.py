import os
import subprocess
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path

import pytest

from retrievo import __version__
from retrievo.cli import search
from retrievo.errors import ConfigError, MismatchError, RetrievoWarning, UnknownNameError

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["serch"], "No such command 'serch'"),
        (["search"], "Missing argument 'QUERY'"),
        (["search", "x", "--bogus"], "No such option: --bogus"),
        (["search", "x", "--top-k", "0"], "--top-k"),
        (["search", "x", "--top-k", "many"], "--top-k"),
        (["search", "x", "--config", "nowhere.toml"], "does not exist"),
        (["explain", "x"], "--doc"),
        (["index"], "Missing argument"),
        (["index", "nowhere"], "nowhere"),
        (["eval", "nowhere"], "nowhere"),
        (["search", "x", "--filter", "year >>> 3"], "year >>> 3"),
    ],
)
def test_wrong_use_is_one_line_and_exit_2(retrievo, arguments, told):
    result = retrievo(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("error: ") and told in result.stderr
    assert result.stderr.count("\n") == 1


def test_no_command_shows_the_help_and_is_wrong_use(retrievo):
    result = retrievo()
    assert result.exit_code == 2
    assert "doctor" in result.stderr and result.stdout == ""


def test_help_and_version(retrievo):
    assert retrievo("--version").stdout == f"retrievo {__version__}\n"
    help = retrievo("--help")
    assert help.exit_code == 0
    for command in ("init", "index", "search", "explain", "eval", "plugins", "doctor", "schema"):
        assert command in help.stdout
        assert retrievo(command, "--help").exit_code == 0


def raising(error):
    @contextmanager
    def opened(config, index):
        raise error
        yield

    return opened


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (MismatchError("the index x is\nof another"), 1, "the index x is of another"),
        (ConfigError("[encoder] has no 'usse'"), 2, "[encoder] has no 'usse'"),
        (UnknownNameError("no encoder named 'statik'"), 2, "no encoder named 'statik'"),
        (OSError("disk full"), 1, "disk full"),
        (KeyboardInterrupt(), 1, "stopped"),
        (ZeroDivisionError("by zero"), 1, "ZeroDivisionError: by zero; --debug shows where"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_errors_are_one_line_and_debug_shows_the_traceback(
    retrievo, monkeypatch, error, code, line, as_json
):
    monkeypatch.setattr(search, "open_pipeline", raising(error))
    arguments = ["search", "x", *(["--json"] if as_json else [])]
    result = retrievo(*arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr == f"error: {line}\n"

    result = retrievo(*arguments, "--debug")
    assert result.exit_code == code
    assert "Traceback (most recent call last)" in result.stderr
    assert result.stderr.endswith(f"error: {line}\n")


def test_warnings_of_the_library_are_lines_on_stderr(retrievo, monkeypatch):
    @contextmanager
    def opened(config, index):
        warnings.warn("3 texts were cut", RetrievoWarning, stacklevel=1)
        raise ConfigError("then this")
        yield

    monkeypatch.setattr(search, "open_pipeline", opened)
    assert retrievo("search", "x").stderr == "warning: 3 texts were cut\nerror: then this\n"


def test_the_module_can_be_run(tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "retrievo", "--version"], capture_output=True, text=True, check=True
    )
    assert run.stdout == f"retrievo {__version__}\n"


@pytest.mark.parametrize("command", ["--help", "plugins --json", "doctor --json"])
def test_what_only_tells_loads_nothing_heavy(command, tmp_path):
    script = (
        "import sys; sys.argv = ['retrievo', *sys.argv[1:]]\n"
        "from retrievo.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'qdrant_client', 'qdrant_edge',"
        " 'tokenizers', 'wordllama', 'httpx', 'tiktoken', 'lxml', 'numpy'}\n"
        "found = heavy & set(sys.modules); assert not found, found"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, *command.split()],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert run.returncode == 0, run.stderr
