import pytest

from retrievo.encode.matryoshka.ladder import Point
from retrievo.errors import EncoderError, RetrievoWarning
from retrievo.tune.ladder_verdict import verdict


def point(layers, raw, trained):
    return Point(layers=layers, dim=layers, raw={"ndcg@10": raw}, trained={"ndcg@10": trained})


FULL = point(9, 0.8, 0.79)


def test_points_that_do_well_are_declared():
    points = [point(1, 0.1, 0.3), point(2, 0.1, 0.4), FULL]
    assert verdict(points, False) == (points, [])


def test_a_point_below_half_of_a_smaller_one_collapsed():
    # As Starbucks' Venti on Quora: .02 where its neighbours have .8.
    points = [point(1, 0.01, 0.7), point(2, 0.01, 0.02), point(3, 0.01, 0.75), FULL]
    with pytest.warns(RetrievoWarning, match=r"2:2 collapsed: ndcg@10 0\.020 is less than half"):
        declared, refused = verdict(points, False)
    assert (declared, refused) == ([points[0], points[2], FULL], [points[1]])
    with pytest.warns(RetrievoWarning, match="declared all the same"):
        assert verdict(points, True) == (points, [])


def test_a_point_that_training_made_worse_collapsed():
    points = [point(1, 0.3, 0.2), FULL]
    with pytest.warns(RetrievoWarning, match=r"less than the 0\.300 of a raw cut"):
        assert verdict(points, False) == ([FULL], [points[0]])


def test_a_spoiled_full_model_is_an_error():
    with pytest.raises(EncoderError, match=r"went from 0\.800 to 0\.500"):
        verdict([point(1, 0.1, 0.3), point(9, 0.8, 0.5)], True)
