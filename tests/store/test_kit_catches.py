"""The contract kit is red on each of many broken stores, where it is meant to be, and only there.

One process runs the tests that are meant to see each defect, and one that should not mind it; the
same tests run on the stores that the broken ones are made of.
"""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from broken_stores.caught import CAUGHT_BY

from retrievo.store.local.store import LocalStore
from retrievo.store.memory.store import MemoryStore

ROOT = Path(__file__).parents[2]
KIT = "tests/broken_stores/kit.py"
SOUND_TEST = "test_passport_and_configuration_are_kept"


def base_of(kind):
    return LocalStore if issubclass(kind, LocalStore) else MemoryStore


def wanted():
    """What is run: (class of tests, test)."""
    chosen = {}
    for kind, tests in CAUGHT_BY.items():
        for test in (*tests, SOUND_TEST):
            chosen[f"Test{kind.__name__}", test] = True
            chosen[f"Test{base_of(kind).__name__}", test] = True
    return list(chosen)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """(class, test) and what became of it: "passed", "failure", "error" or "skipped"."""
    report = tmp_path_factory.mktemp("kit") / "report.xml"
    nodes = [f"{KIT}::{name}::{test}" for name, test in wanted()]
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--tb=line", "-p", "no:cacheprovider",
         f"--junitxml={report}", *nodes],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=False,
    )  # fmt: skip
    found = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        states = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        name = case.attrib["classname"].rpartition(".")[2]
        found[name, case.attrib["name"]] = states[0] if states else "passed"
    return found


@pytest.mark.parametrize("kind", CAUGHT_BY, ids=lambda kind: kind.__name__)
def test_the_kit_sees_what_is_wrong(outcomes, kind):
    name = f"Test{kind.__name__}"
    found = {test: outcomes[name, test] for test in CAUGHT_BY[kind]}
    assert set(found.values()) == {"failure"}, f"{kind.__doc__}: {found}"
    assert outcomes[name, SOUND_TEST] == "passed", "it is broken in more than one way"


@pytest.mark.parametrize("kind", [MemoryStore, LocalStore], ids=lambda kind: kind.__name__)
def test_the_same_tests_are_green_on_what_they_are_made_of(outcomes, kind):
    name = f"Test{kind.__name__}"
    found = {test: outcome for (of, test), outcome in outcomes.items() if of == name}
    # What a store does not declare, or does, skips the tests of the opposite.
    other = {
        test
        for broken, tests in CAUGHT_BY.items()
        if broken.capabilities != kind.capabilities
        for test in tests
    }
    wrong = {
        test: outcome
        for test, outcome in found.items()
        if outcome != "passed" and not (outcome == "skipped" and test in other)
    }
    assert len(found) > 2 and not wrong
