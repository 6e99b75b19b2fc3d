"""A child that edits an index until it is killed. Usage: python crashing.py INDEX LOG SEED

Each round it takes a new state of the documents, writes into LOG what it is about to do, does it,
and writes that it is done. So whoever kills it knows what must be there.
"""

import json
import random
import sys
from pathlib import Path

from retrievo import Document, Pipeline
from retrievo.store import engine

NAMES = [f"d{i}" for i in range(12)]


def text_of(name, version):
    return "".join(f"Sentence {i} of {name} in version {version}. " for i in range(3 + version % 4))


def main(index, log, seed):
    engine.QUANTIZE_ABOVE = 40  # so that compaction happens as well
    random.seed(seed)
    chunker = Pipeline.part("chunker", use="recursive", chunk_size=16, chunk_overlap=4)
    with Path(log).open("a", encoding="utf-8") as lines, Pipeline.open(index, chunker=chunker) as p:
        for version in range(seed * 1000, seed * 1000 + 200):
            some = random.sample(NAMES, random.randint(1, 6))
            if random.random() < 0.25:
                act, states = "delete", dict.fromkeys(some)
            else:
                act, states = "index", {name: version for name in some}
            print(json.dumps({"start": states}), file=lines, flush=True)
            if act == "delete":
                p.delete(some)
            else:
                p.index([Document(name, text_of(name, v)) for name, v in states.items()])
            print(json.dumps({"done": states}), file=lines, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
