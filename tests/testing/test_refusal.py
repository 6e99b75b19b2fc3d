"""Contract kits cannot be weakened in silence, and a known failure is noticed when it is gone."""

import subprocess
import sys

import pytest

from retrievo.testing.refusal import RefusesOverrides


class Kit(RefusesOverrides):
    __test__ = False

    def test_one(self):
        raise AssertionError("not kept")

    @pytest.mark.parametrize("n", [1, 2])
    def test_two(self, n):
        assert n == 1


def subclass(**given):
    return type("TestMine", (Kit,), given)


def skipping():
    pytest.mark.skip(reason="slow")(subclass())


def marked_xfail():
    pytest.mark.xfail(reason="does not work yet")(subclass())


def set_afterwards():
    subclass().test_one = None


def deleted():
    del Kit.test_one


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (lambda: subclass(test_one=lambda self: None), "would replace a test"),
        (lambda: subclass(test_one=None), "would replace a test"),
        (lambda: type("TestMore", (subclass(),), {"test_two": None}), "would replace a test"),
        (set_afterwards, "would replace a test"),
        (deleted, "stays one"),
        (skipping, "is marked skip"),
        (marked_xfail, "is marked xfail"),
        (lambda: subclass(pytestmark=pytest.mark.skipif(True, reason="x")), "is marked skipif"),
        (lambda: subclass(pytestmark=[pytest.mark.slow, pytest.mark.skip]), "is marked skip"),
        (lambda: subclass(expected_failures={"test_none": "is not there"}), "has no test"),
        (lambda: subclass(expected_failures={"test_one": ""}), "has no reason"),
        (lambda: subclass(expected_failures={"test_one": "later"}), "has no reason"),
        (lambda: subclass(expected_failures={"test_one": None}), "has no reason"),
        (lambda: subclass(expected_failures=["test_one"]), "a mapping"),
    ],
)
def test_a_kit_refuses_to_be_weakened(act, told):
    with pytest.raises(TypeError, match=told):
        act()
    assert "test_one" in vars(Kit)


def test_a_subclass_may_add_and_mark():
    more = subclass(test_three=lambda self: None, pytestmark=pytest.mark.slow)
    assert callable(more.test_three)
    pytest.mark.slow(more)


def test_an_expected_failure_is_told_and_one_that_passes_is_red(tmp_path):
    (tmp_path / "test_mine.py").write_text(
        """
import pytest
from retrievo.testing.refusal import RefusesOverrides

class Kit(RefusesOverrides):
    def test_one(self):
        assert False

    @pytest.mark.parametrize("n", [1, 2])
    def test_two(self, n):
        assert n == 1

Kit.__test__ = False

class TestKnown(Kit):
    __test__ = True
    expected_failures = {"test_one": "keeps nothing yet", "test_two[2]": "knows no 2 yet"}

class TestGone(Kit):
    __test__ = True
    expected_failures = {"test_one": "keeps nothing yet", "test_two": "knows no numbers yet"}
"""
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "--tb=no", "-p", "no:cacheprovider",
         f"--rootdir={tmp_path}", "test_mine.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert "XFAIL test_mine.py::TestKnown::test_one - keeps nothing yet" in lines
    assert "XFAIL test_mine.py::TestKnown::test_two[2] - knows no 2 yet" in lines
    assert "PASSED test_mine.py::TestKnown::test_two[1]" in lines
    assert any(line.startswith("FAILED test_mine.py::TestGone::test_two[1]") for line in lines)
    assert "1 failed, 1 passed, 4 xfailed" in lines[-1]
