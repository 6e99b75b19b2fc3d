"""Lives of an index: each act is done by a child that is killed in the middle, checked, done again.

How long each act takes is measured first, on an index that nobody disturbs; moments to kill are
drawn evenly from that. What the undisturbed index holds after each act, the others must hold too.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from killing.acts import acts, open_index
from killing.checks import check, differences, held

TESTS = Path(__file__).parent.parent
KILLS_AN_ACT = 3
"""At most: the run that comes after a kill is killed as well, before one ends."""


class Child:
    """A process that does one act, and what it has said so far."""

    def __init__(self, folder, documents, act):
        paths = [str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "killing.child", str(folder), str(documents), str(act)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )

    def until(self, words):
        """The moment at which it says these words."""
        for line in self._process.stdout:
            if line.strip() == words:
                return time.perf_counter()
        raise AssertionError(f"the child ended before {words!r}: {self._process.stderr.read()}")

    def killed_at(self, moment):
        """Wait for the moment, kill; what it said since."""
        while (left := moment - time.perf_counter()) > 0:
            if left > 0.002:
                time.sleep(left - 0.001)
        self._process.send_signal(signal.SIGKILL)
        said, errors = self._process.communicate()
        assert "Traceback" not in errors, errors
        return said.splitlines()

    def wait(self):
        said, errors = self._process.communicate()
        assert self._process.returncode == 0, errors
        return said


class Rounds:
    """Kills, counted by the phase that they hit: `hits` all, `survived` those that did no harm.

    A process that dies while it opens the index counts as "reopening".
    """

    def __init__(self, folder, documents, rng):
        self._folder = folder
        self._documents = documents
        self._acts = acts(documents)
        self._rng = rng
        self._sure = {}
        self.phases = [*dict.fromkeys(act.phase for act in self._acts), "reopening"]
        self.hits = Counter()
        self.survived = Counter()
        self._measure()

    def life(self, wanted):
        """One index from its first document to its last; `wanted(phase)` says where to kill."""
        self._wipe()
        for place, act in enumerate(self._acts):
            before = Counter(self.hits)
            if not wanted(act.phase):
                with open_index(self._folder) as pipeline:
                    act.do(pipeline, self._folder)
                self._sure.update(act.leaves)
                continue
            for _ in range(KILLS_AN_ACT):
                if not (wanted(act.phase) and self._kill_in(place, act)):
                    break
                while wanted("reopening") and self._rng.random() < 2 / 3:
                    self._kill_while_opening(place)
                self._reopened(act).close()
            pipeline = self._complete(self._reopened(act), act)
            told = differences(self._held[place], held(pipeline))
            pipeline.close()
            assert not told, f"after {act.phase} ({place}) the index differs in {told}"
            if act.phase == "snapshot":
                self._check_snapshots(place)
            self.survived += self.hits - before

    def _measure(self):
        """How long a child takes for each act, and what an undisturbed index holds after it."""
        self._wipe()
        child = Child(self._folder, self._documents, "all")
        began = child.until("open")
        self._opening = child.until("opened") - began
        self._seconds = []
        for place in range(len(self._acts)):
            began = child.until(f"start {place}")
            self._seconds.append(child.until(f"done {place}") - began)
        child.wait()
        self._wipe()
        self._held = []
        pipeline = open_index(self._folder)
        for act in self._acts:
            pipeline = self._complete(pipeline, act)
            self._held.append(held(pipeline))
        pipeline.close()

    def _wipe(self):
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        self._sure = {name: None for act in self._acts for name in act.leaves}

    def _kill_in(self, place, act):
        """Whether the child died in the act; otherwise it was done before."""
        child = Child(self._folder, self._documents, place)
        began = child.until(f"start {place}")
        said = child.killed_at(began + self._rng.uniform(0, self._seconds[place]))
        if f"done {place}" in said:
            self._sure.update(act.leaves)
            # The machine has become faster since it was measured: draw from less the next time.
            self._seconds[place] *= 0.8
            return False
        self.hits[act.phase] += 1
        return True

    def _kill_while_opening(self, place):
        child = Child(self._folder, self._documents, place)
        began = child.until("open")
        said = child.killed_at(began + self._rng.uniform(0, self._opening))
        self.hits["reopening"] += "opened" not in said

    def _reopened(self, act):
        """The pipeline on what killed processes left behind, which was found to be whole."""
        may_be = {
            name: {version, act.leaves.get(name, version)} for name, version in self._sure.items()
        }
        pipeline = open_index(self._folder)
        if (self._folder / "index" / "catalog.sqlite").exists():
            check(pipeline, may_be)
        else:
            assert all(None in versions for versions in may_be.values()), "the index is gone"
        return pipeline

    def _check_snapshots(self, place):
        """Each is the index as it was: one that is not whole is not there."""
        for path in self._folder.glob("snapshot-*"):
            with open_index(self._folder, path.name) as pipeline:
                told = differences(self._held[place], held(pipeline))
            assert not told, f"{path.name} differs in {told}"

    def _complete(self, pipeline, act):
        """Do the act as a whole; the index is what it then must be, all of it."""
        act.do(pipeline, self._folder)
        if act.phase == "close":
            pipeline = open_index(self._folder)
        self._sure.update(act.leaves)
        check(pipeline, {name: {version} for name, version in self._sure.items()})
        return pipeline
