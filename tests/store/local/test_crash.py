"""Kill a process at random moments while it writes: nothing acknowledged may be lost.

benchmarks/crashes.py does the same a hundred times, with more documents.
"""

import random

import pytest
from killing.acts import make_small
from killing.rounds import Rounds

KILLS = 15


@pytest.mark.crash
def test_killed_at_any_moment_every_document_is_wholly_old_or_wholly_new(tmp_path, monkeypatch):
    make_small(monkeypatch.setattr)
    rounds = Rounds(tmp_path / "life", 40, random.Random(7))

    def wanted(phase):
        return rounds.hits[phase] < 2 and rounds.hits.total() < KILLS

    while rounds.hits.total() < KILLS:
        rounds.life(wanted)
    assert rounds.survived == rounds.hits and len(rounds.hits) > 5
