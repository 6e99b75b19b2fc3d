"""A stream of documents that is larger than what indexing it may take of memory."""

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent

STREAM = """
import random, sys
from pathlib import Path
from killing.acts import WORDS, HashEncoder, ParagraphChunker
from retrievo import Document, Pipeline
from retrievo.ingest import changes

changes.CHARACTERS_A_BATCH = 1_000_000
changes.CHUNKS_A_BATCH = 500

def anonymous():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) // 1024

draw, given, seen = random.Random(1), 0, []

def stream(n):
    global given
    for i in range(n):
        text = f"{i} " + "\\n\\n".join([" ".join(draw.choices(WORDS, k=20))] + ["x" * 20_000])
        given += len(text)
        if i % 50 == 0:
            seen.append(anonymous())
        yield Document(f"d{i}", text)

index = Path(sys.argv[1])
with Pipeline.open(index, encoder=HashEncoder(), chunker=ParagraphChunker()) as pipeline:
    pipeline.index(stream(1_000))
    before = max(seen)
    given, seen = 0, []
    report = pipeline.index(({"id": f"more{d.id}", "text": d.text} for d in stream(6_000)))
    assert report.added == 6_000
    print(given // 2**20, max(seen) - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads memory from /proc")
@pytest.mark.slow
def test_memory_does_not_grow_with_the_stream(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", STREAM, tmp_path / "index"],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(TESTS)},
    )
    assert done.returncode == 0, done.stderr
    given, grown = map(int, done.stdout.split())
    assert given > 100, "megabytes of text"
    assert grown < given / 3, f"{grown} MB more for {given} MB of text"
