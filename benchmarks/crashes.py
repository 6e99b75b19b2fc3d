"""Processes killed with SIGKILL at random moments while they index, and what is left of the index.

An index goes through its life: first indexing, edits, deletes, weights redone, compaction, a
snapshot, a synced folder. Each act is done by a child process that is killed in the middle; then
its opening is killed too, now and then. After each kill everything acknowledged must be there, each
document old or new as a whole, vectors and counts right; and the next run must end with what an
index holds that nobody disturbed. Where three lives in a row bring no new kill it stops, with exit
code 1. Usage: python benchmarks/crashes.py [--kills 100] [--documents 160] [--seed 0]
[--folder DIR]
"""

import argparse
import math
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from killing.acts import make_small
from killing.rounds import Rounds

from retrievo import RetrievoError

IDLE_LIVES = 3


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--documents", type=int, default=160)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--folder", help="where the indexes are made (default: a temporary one)")
    given = options.parse_args()
    make_small()
    lives = idle = 0
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        rounds = Rounds(Path(folder) / "life", given.documents, random.Random(given.seed))
        share = math.ceil(given.kills / len(rounds.phases))

        def wanted(phase: str) -> bool:
            return rounds.hits[phase] < share and rounds.hits.total() < given.kills

        while rounds.hits.total() < given.kills and idle < IDLE_LIVES:
            lives, before = lives + 1, rounds.hits.total()
            try:
                rounds.life(wanted)
            except (AssertionError, RetrievoError) as error:
                print(f"life {lives}: {error}", file=sys.stderr)
            print(f"life {lives}: {rounds.hits.total()} kills", file=sys.stderr)
            idle = 0 if rounds.hits.total() > before else idle + 1
    print(f"{given.documents} documents, {lives} lives of an index, seed {given.seed}")
    print(f"{'killed during':<18}{'kills':>7}{'survived':>10}")
    for phase in rounds.phases:
        print(f"{phase:<18}{rounds.hits[phase]:>7}{rounds.survived[phase]:>10}")
    survived, kills = rounds.survived.total(), rounds.hits.total()
    print(f"{survived} of {kills}")
    if kills < given.kills:
        print(
            f"stopped at {kills} of {given.kills} kills: {IDLE_LIVES} lives of an index in a row "
            "brought no new one; what ended each stands above, at `life`",
            file=sys.stderr,
        )
        return 1
    return 0 if survived == kills else 1


if __name__ == "__main__":
    sys.exit(main())
