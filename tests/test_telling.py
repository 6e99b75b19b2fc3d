import threading
import warnings

import pytest

from retrievo import RetrievoWarning
from retrievo.telling import collecting, tell


def test_without_a_collector_it_is_a_warning():
    with pytest.warns(RetrievoWarning, match="careful"):
        tell("careful")


def test_a_collector_gets_it_instead():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with collecting() as outer:
            tell("one")
            with collecting() as inner:
                tell("two")
            tell("three")
    assert (outer, inner) == (["one", "three"], ["two"])


def test_threads_do_not_hear_one_another():
    heard = {}

    def work(name):
        with collecting() as mine:
            barrier.wait()
            tell(name)
            barrier.wait()
        heard[name] = mine

    barrier = threading.Barrier(8)
    threads = [threading.Thread(target=work, args=(f"t{i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == {f"t{i}": [f"t{i}"] for i in range(8)}


def test_an_error_does_not_swallow_what_was_told():
    with pytest.warns(RetrievoWarning, match="before"), pytest.raises(KeyError), collecting():
        tell("before")
        raise KeyError
