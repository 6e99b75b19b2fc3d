"""The process that is killed: it opens an index, moves it to another encoder, and says how far."""

import sys
from pathlib import Path

import numpy as np
from killing.acts import HashEncoder, ParagraphChunker, make_small

from retrievo import Pipeline


class OtherEncoder(HashEncoder):
    """Another hash of each text."""

    fingerprint = "hash-2"

    def _vector(self, text):
        return np.roll(super()._vector(f"other {text}"), 1)


def open_index(folder, encoder):
    return Pipeline.open(folder, encoder=encoder, chunker=ParagraphChunker())


def say(word):
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    make_small()
    with open_index(Path(sys.argv[1]), HashEncoder()) as pipeline:
        say("opened")
        moving = pipeline.migrate(OtherEncoder(), answers="old")
        say("begun")
        moving.finish()
        say("finished")
