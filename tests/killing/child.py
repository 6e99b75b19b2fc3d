"""The process that is killed. Usage: python -m killing.child FOLDER DOCUMENTS ACT

It opens the index, says so, does one act (all from 0 on, where ACT is "all"), and says when each
begins and ends: what it said is there for whoever killed it to read.
"""

import sys
from pathlib import Path

from killing.acts import acts, ask, make_small, open_index


def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def main(folder, documents, act):
    make_small()
    todo = acts(documents)
    say("open")
    pipeline = open_index(folder)
    say("opened")
    ask(pipeline)
    for place in range(len(todo)) if act == "all" else [int(act)]:
        say("start", place)
        todo[place].do(pipeline, folder)
        say("done", place)
        if todo[place].phase == "close":
            pipeline = open_index(folder)
    pipeline.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
