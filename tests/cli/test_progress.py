import io

from retrievo.cli.progress import progress_bar
from retrievo.ingest.report import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_nothing_is_drawn_where_stderr_is_no_terminal(monkeypatch):
    monkeypatch.setattr("sys.stderr", io.StringIO())
    with progress_bar() as draw:
        assert draw is None


def test_a_terminal_sees_how_far_it_is(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with progress_bar() as draw:
        draw(Progress(2, 4, 10, "index"))
        draw(Progress(3, None, 15, "index"))
        draw(Progress(4, 4, 20, "done"))
        draw(Progress(1, 5, 0, "search"))
    told = terminal.getvalue()
    assert "index" in told and "search" in told and "1/5" in told
