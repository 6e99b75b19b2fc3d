import json

import numpy as np
import pytest
from pydantic import ValidationError

from retrievo.encode.matryoshka.heads import Head
from retrievo.encode.matryoshka.ladder import Ladder, Point, read_heads, read_ladder, write_ladder
from retrievo.errors import ConfigError, EncoderError

SCORES = {"overlap@10": 0.5}
POINTS = (
    Point(layers=1, dim=2, head="ridge", raw={"overlap@10": 0.1}, trained=SCORES),
    Point(layers=2, dim=3, raw=SCORES, trained=SCORES),
    Point(layers=4, dim=4, raw={"overlap@10": 1.0}, trained=SCORES),
)
SPOILED = Point(layers=3, dim=3, raw=SCORES, trained={"overlap@10": 0.01})
LADDER = Ladder(
    model="m", layers=4, dim=4, fingerprints={"float32": "f00d"}, method="starbucks",
    points=POINTS, refused=(SPOILED,),
)  # fmt: skip
HEAD = Head(
    "ridge", 1, np.arange(8, dtype=np.float32).reshape(4, 2), np.ones(4, np.float32),
    np.zeros(2, np.float32),
)  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    write_ladder(tmp_path, LADDER, {(1, 2): HEAD})
    return tmp_path


def test_what_is_written_is_read(folder):
    assert read_ladder(folder) == LADDER
    heads = read_heads(folder, LADDER)
    assert heads.keys() == {(1, 2)} and heads[1, 2].fingerprint == HEAD.fingerprint


def test_a_model_without_a_ladder(tmp_path):
    assert read_ladder(tmp_path) is None


def test_points_are_given_as_declared_only():
    assert LADDER.point(2, 3) == POINTS[1]
    assert LADDER.point(None, None) == LADDER.point(4, None) == POINTS[2]
    with pytest.raises(ConfigError, match=r"\(2, 2\) is not declared .* \(1, 2\), \(2, 3\), \(4"):
        LADDER.point(2, 2)
    with pytest.raises(ConfigError, match=r"\(3, 3\) was measured and refused \(overlap@10 0.010"):
        LADDER.point(3, 3)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"format": 2}, "format"),
        ({"points": [{"layers": 1, "dim": 2}]}, r"points.0.raw: Field required"),
        ({"layers": 2}, "the point 4:4 is beyond the model's 2:4"),
        ({"refused": [POINTS[0].model_dump()]}, "the point 1:2 stands there twice"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_a_file_that_is_no_ladder(folder, changed, message):
    told = json.loads((folder / "ladder.json").read_text())
    (folder / "ladder.json").write_text(json.dumps({**told, **changed}))
    with pytest.raises(EncoderError, match=message):
        read_ladder(folder)


def test_a_file_cut_short(folder):
    (folder / "ladder.json").write_bytes(b'{"format": 1, \xff')
    with pytest.raises(EncoderError, match="is no ladder"):
        read_ladder(folder)


def test_heads_that_are_missing_or_damaged(folder):
    wrong = {
        r"no matrix of the shape \(4, 2\)": HEAD.matrix[:3],
        "for 1:2 the matrix is not finite float32": HEAD.matrix * np.nan,
        r"the matrix holds 7e\+30, more than": HEAD.matrix * np.float32(1e30),
        "the map is zero throughout": HEAD.matrix * 0,
    }
    for message, matrix in wrong.items():
        write_ladder(
            folder, LADDER, {(1, 2): Head("ridge", 1, matrix, HEAD.mean_in, HEAD.mean_out)}
        )
        with pytest.raises(EncoderError, match=message):
            read_heads(folder, LADDER)
    (folder / "ladder.safetensors").write_bytes(b"short")
    with pytest.raises(EncoderError, match="cannot be read"):
        read_heads(folder, LADDER)
    (folder / "ladder.safetensors").unlink()
    with pytest.raises(EncoderError, match="cannot be read"):
        read_heads(folder, LADDER)


def test_heads_in_a_format_that_numpy_has_not(folder):
    torch = pytest.importorskip("torch", reason="needs the extra 'models'")
    from safetensors.torch import load_file, save_file

    path = folder / "ladder.safetensors"
    for dtype in (torch.bfloat16, torch.float8_e4m3fn):
        save_file({name: part.to(dtype) for name, part in load_file(path).items()}, path)
        with pytest.raises(EncoderError, match=r"float32.*train the ladder again"):
            read_heads(folder, LADDER)


def test_a_ladder_that_does_not_say_its_weights(folder):
    told = json.loads((folder / "ladder.json").read_text())
    del told["fingerprints"]
    (folder / "ladder.json").write_text(json.dumps(told))
    with pytest.raises(EncoderError, match="fingerprints: Field required; train the ladder again"):
        read_ladder(folder)


def test_heads_and_points_must_agree(tmp_path):
    with pytest.raises(ValueError, match="names heads"):
        write_ladder(tmp_path, LADDER, {})
    with pytest.raises(ValidationError):
        Point(layers=1, dim=1, raw={"overlap@10": 1.5}, trained={})
