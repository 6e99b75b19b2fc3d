import numpy as np
import pytest
from dense_batches import clustered, inseparable

from retrievo.store.codecs import CODECS
from retrievo.store.codecs.binary import BinaryCodec
from retrievo.store.codecs.choosing import choose

ALL = list(CODECS)


@pytest.fixture(scope="module")
def vectors():
    return clustered(3000, 64, clusters=300)


@pytest.mark.parametrize("min_recall", [0.5, 0.9, 0.98])
def test_the_chosen_reaches_the_target_and_nothing_smaller_does(vectors, min_recall):
    choice = choose(vectors, ALL, min_recall)
    assert choice.name != "none" and choice.recall >= min_recall
    assert choice.measured[choice.name].bytes_a_vector == choice.bytes_a_vector < 256
    *smaller, last = choice.measured.values()
    assert all(one.recall < min_recall for one in smaller)
    assert last.recall >= min_recall
    sizes = [one.bytes_a_vector for one in choice.measured.values()]
    assert sizes == sorted(sizes)


def test_the_recall_is_that_of_a_search_written_out(vectors):
    choice = choose(vectors, ["binary"], 0.0, depth=5, oversampling=3)
    places = np.random.default_rng(0).choice(3000, 200, replace=False)
    rest = np.delete(vectors, places, axis=0)
    made = BinaryCodec.fit(rest)
    codes = made.encode(rest)
    shares = []
    for place in places:
        best = set(np.argsort(-(rest @ vectors[place]))[:5].tolist())
        found = np.argsort(-made.scores(vectors[place][None], codes)[0])[:15]
        shares.append(len(best.intersection(found.tolist())) / 5)
    assert choice.recall == pytest.approx(np.mean(shares), abs=2e-3)
    assert choice.queries == 200 and choice.sample == 2800 and choice.depth == 5
    assert choice.measured["binary"].oversampling == 3


def test_more_candidates_never_lose_anything(vectors):
    recalls = [
        choose(vectors, ["rabitq"], 0.0, oversampling=times).recall for times in (1, 3, 10, 280)
    ]
    assert recalls == sorted(recalls) and recalls[-1] == 1.0


def test_vectors_that_no_code_can_tell_apart_stay_floats():
    choice = choose(inseparable(), ALL, 0.98)
    assert choice.name == "none" and choice.bytes_a_vector == 4 * 64
    assert set(choice.measured) == set(ALL)
    assert all(one.recall < 0.6 for one in choice.measured.values())
    assert "compression none (float32)" in str(choice) and "int8 0." in str(choice)


def test_only_the_names_given_are_measured(vectors):
    assert set(choose(vectors, ["none", "int8", "binary"], 1.1).measured) == {"binary", "int8"}
    assert choose(vectors, ["none"], 0.1).name == "none"


def test_other_ways_to_fit_and_oversampling_by_name(vectors):
    asked = []

    def plain(sample):
        asked.append(len(sample))
        return BinaryCodec.fit(sample, centred=False, float_query=False)

    choice = choose(
        vectors, ["binary", "int8"], 1.1, oversampling={"binary": 7.0}, fits={"binary": plain}
    )
    assert asked == [2800]
    assert choice.measured["binary"].oversampling == 7.0
    assert choice.measured["int8"].oversampling == 2.0


def test_wide_vectors_are_not_fitted_for_minutes():
    wide = np.random.default_rng(0).normal(size=(50, 2100)).astype(np.float32)
    assert set(choose(wide, ALL, 1.1).measured) == {"binary", "rabitq", "residual-2bit", "int8"}


@pytest.mark.parametrize("n", [0, 1, 9, 10])
def test_samples_too_small_to_measure(n):
    choice = choose(clustered(n, 8), ALL, 1.1)
    assert choice.name == "none" and choice.queries == n // 10


def test_equal_vectors_are_as_good_as_one_another():
    same = np.ones((200, 8), np.float32)
    assert choose(same, ["binary"], 0.98).recall == 1.0


def test_what_is_said_names_the_figures(vectors):
    choice = choose(vectors, ["int8"], 0.98)
    said = str(choice)
    assert "compression int8 (64 bytes a vector)" in said
    assert "recall@10 wanted 0.98" in said and "2 times the depth rescored" in said
    assert f"int8 {choice.recall:.3f}" in said and "200 stored vectors" in said
