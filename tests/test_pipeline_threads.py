"""One pipeline, several threads: the first search of each, and counts that are being looked up."""

import sys
import threading

import pytest
from pipelines import CountingEncoder, documents

from retrievo import Document, Pipeline
from retrievo.types import Query


def at_once(work, n=4):
    """What the work gives in each of n threads that start together."""
    ready, found, failed = threading.Barrier(n), [], []

    def run():
        ready.wait()
        try:
            found.append(work())
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed
    return found


def test_the_first_search_may_come_from_several_threads(tmp_path):
    config = tmp_path / "pipeline.toml"
    config.write_text("format = 1\n[chunker]\nuse = 'recursive'\nchunk_size = 64\n")
    with Pipeline.from_toml(config, index=tmp_path / "index") as pipeline:
        pipeline.index(documents())
    with Pipeline.from_toml(config, index=tmp_path / "index") as pipeline:
        found = at_once(lambda: [hit.doc_id for hit in pipeline.search("rotate a key")])
    assert len(found) == 4 and all(one == found[0] for one in found)


@pytest.fixture
def quick_switches():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("quick_switches")
def test_threads_that_look_up_the_same_words_find_the_same(tmp_path):
    words = [f"word{i}" for i in range(60)]
    with Pipeline.open(tmp_path / "index", encoder=CountingEncoder()) as pipeline:
        pipeline.index([Document(str(i), " ".join(words[i : i + 30])) for i in range(30)])
        store = pipeline.store
        bm25 = pipeline._assembly.part("retrievers")["bm25"]
        for _ in range(60):
            store._opened().counts.forget()
            found = at_once(lambda: bm25.search([Query(" ".join(words))], 30)[0].scores.tolist())
            assert all(one == found[0] for one in found) and len(found[0]) == 30
