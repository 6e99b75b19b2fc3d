import threading
import time

import pytest

from retrievo.store.locking import ReadWriteLock


def in_thread(work):
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_readers_share_and_a_writer_is_alone():
    lock, seen = ReadWriteLock(), []
    with lock.reading(), lock.reading():
        reader = in_thread(lambda: lock.reading().__enter__() or seen.append("read"))
        reader.join(5)
        assert seen == ["read"]
        writer = in_thread(lambda: lock.writing().__enter__() or seen.append("written"))
        time.sleep(0.05)
        assert seen == ["read"] and writer.is_alive()


def test_the_writer_may_read_and_write_inside():
    lock = ReadWriteLock()
    with lock.writing(), lock.reading(), lock.writing():
        pass
    with lock.reading():
        pass


def test_a_reader_cannot_write():
    lock = ReadWriteLock()
    with lock.reading(), pytest.raises(RuntimeError, match="cannot write"), lock.writing():
        pass
    with lock.writing():
        pass


def test_an_interrupt_while_a_writer_waits_lets_readers_in(monkeypatch):
    lock = ReadWriteLock()
    release = threading.Event()

    def hold():
        with lock.reading():
            release.wait(5)

    holder = in_thread(hold)
    time.sleep(0.05)

    def interrupted(timeout=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(lock._condition, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt), lock.writing():
        pass
    monkeypatch.undo()
    entered = []
    reader = in_thread(lambda: lock.reading().__enter__() or entered.append(1))
    reader.join(5)
    assert entered == [1], "new readers wait for a writer that is gone"
    release.set()
    holder.join(5)
