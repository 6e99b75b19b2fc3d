import threading
import warnings

import pytest

from retrievo import RetrievoWarning
from retrievo.telling import Counted, collecting, merged, tell


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


def test_counted_messages_of_one_kind_become_one_with_their_sums():
    told = [Counted(3, 1000, "texts are empty"), "other", Counted(1, 5, "texts are long")]
    told += [Counted(4, 1200, "texts are empty"), "other"]
    assert merged(told) == [
        "7 of 2,200 texts are empty",
        "other",
        "1 of 5 texts are long",
    ]
    assert all(type(message) is str for message in merged(told))
    assert merged([]) == []


def test_a_counted_message_is_told_like_any_other():
    with pytest.warns(RetrievoWarning, match="^2 of 3 texts are empty$"):
        tell(Counted(2, 3, "texts are empty"))
