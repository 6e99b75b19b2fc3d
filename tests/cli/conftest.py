import pytest
from typer.testing import CliRunner

from retrievo.cli.app import app


@pytest.fixture
def retrievo(tmp_path, monkeypatch):
    """Runs a command in an empty folder, in this process."""
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, [str(argument) for argument in arguments])
