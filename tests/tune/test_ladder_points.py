import pytest

from retrievo.errors import ConfigError
from retrievo.tune.ladder_points import check_points, default_points, parse_points


def test_points_are_read():
    assert parse_points("1:32, 2:64") == ((1, 32), (2, 64))


@pytest.mark.parametrize("text", ["", "1", "1:", "1:a", "1:2,", "-1:3", "1:2:3"])
def test_what_is_no_point_is_named(text):
    with pytest.raises(ConfigError, match="LAYERS:DIM"):
        parse_points(text)


def test_the_default_ladder():
    # METHODS 3: the proposal for MiniLM; for 12 layers every second one, as in Starbucks.
    minilm = ((1, 32), (2, 64), (3, 96), (4, 128), (5, 256), (6, 384))
    assert default_points(6, 384) == minilm
    assert [layers for layers, _ in default_points(12, 768)] == [2, 4, 6, 8, 10, 12]
    assert default_points(12, 768)[-1] == (12, 768)
    assert default_points(1, 16) == ((1, 16),)
    for layers in range(1, 30):
        assert check_points(default_points(layers, 100), layers, 100)


def test_the_full_model_is_always_a_point():
    assert check_points([(1, 8)], 4, 32) == ((1, 8), (4, 32))
    assert check_points([(1, 8), (1, 16), (4, 32)], 4, 32) == ((1, 8), (1, 16), (4, 32))


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([], "no points"),
        ([(5, 8)], "5:8 is outside the model, which has 4 layers and 32"),
        ([(1, 33)], "1:33 is outside"),
        ([(0, 8)], "0:8 is outside"),
        ([(1, 8), (1, 8)], "1:8 is there twice"),
        ([(2, 8), (1, 16)], "1:16 comes after 2:8"),
        ([(1, 16), (2, 8)], "2:8 comes after 1:16"),
    ],
)
def test_points_that_make_no_ladder(points, message):
    with pytest.raises(ConfigError, match=message):
        check_points(points, 4, 32)
