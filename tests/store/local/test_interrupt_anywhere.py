"""Interrupts wherever Python can deliver one: the same pipeline goes on, or has closed itself."""

import random
import signal
import sys
import threading
import time

import pytest
from killing.acts import document_of, make_small, open_index
from killing.checks import check

from retrievo import StoreError

NAMES = [f"d{i}" for i in range(24)]

# A generator that an interrupt has left behind is closed late, and may find its index closed.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


class Interrupted:
    """A pipeline whose runs are interrupted: `sure` has what each document is, None for nothing."""

    def __init__(self, folder):
        self._folder = folder
        self._pipeline = open_index(folder)
        self.sure = dict.fromkeys(NAMES)
        self.closings = 0

    def close(self):
        self._pipeline.close()

    def put(self, names, version):
        self._pipeline.index([document_of(name, version) for name in names])
        self.sure.update(dict.fromkeys(names, version))

    def delete(self, names):
        self._pipeline.delete(names)
        self.sure.update(dict.fromkeys(names))

    def is_whole(self, after):
        """Assert that each document is as it was or as it is `after` the run, and none is lost.

        Another thread looks first: what the interrupted one still holds would keep it waiting.
        """
        told = []
        thread = threading.Thread(target=lambda: told.append(self._look()), daemon=True)
        thread.start()
        thread.join(60)
        assert told, "a search in another thread waits for ever"
        if told == ["closed"]:
            self.closings += 1
            self._pipeline.close()
            self._pipeline = open_index(self._folder)
        may_be = {name: {version, after.get(name, version)} for name, version in self.sure.items()}
        check(self._pipeline, may_be)

    def _look(self):
        try:
            self._pipeline.search("version", filters="version >= 0")
        except StoreError as error:
            assert "closed" in str(error), error
            return "closed"
        return "open"


@pytest.fixture
def interrupted(tmp_path, monkeypatch):
    make_small(monkeypatch.setattr)
    made = Interrupted(tmp_path)
    made.put(NAMES, 0)
    yield made
    made.close()


class AtCall:
    """A trace function that interrupts the n-th call of a Python function from here on."""

    def __init__(self, n):
        self.left = n

    def __call__(self, frame, event, argument):
        if event == "call":
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt

    def run(self, work):
        """Whether the work was interrupted."""
        before = sys.gettrace()
        sys.settrace(self)
        try:
            work()
        except KeyboardInterrupt:
            return True
        finally:
            sys.settrace(before)
        return False


@pytest.mark.slow
def test_an_interrupt_at_any_call_of_a_delete(interrupted):
    some, at, stopped = NAMES[:3], 1, 0
    while AtCall(at).run(lambda: interrupted.delete(some)):
        interrupted.is_whole(dict.fromkeys(some))
        interrupted.put(some, at % 4)
        at += 1
        stopped += 1
    assert stopped > 40
    interrupted.is_whole({})


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no such timer")
@pytest.mark.slow
def test_interrupts_at_random_moments_of_an_ingest(interrupted):
    def strike(number, frame):
        raise KeyboardInterrupt

    draw, stopped = random.Random(3), 0
    started = time.perf_counter()
    interrupted.put(NAMES, 1)
    usual = time.perf_counter() - started
    before = signal.signal(signal.SIGALRM, strike)
    try:
        for version in range(2, 52):
            try:
                signal.setitimer(signal.ITIMER_REAL, draw.uniform(0, usual) + 1e-4)
                interrupted.put(NAMES, version % 7)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                stopped += 1
            interrupted.is_whole(dict.fromkeys(NAMES, version % 7))
            interrupted.put(NAMES, version % 7)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert stopped > 10
