import numpy as np
import pytest

pytest.importorskip("sentence_transformers", reason="needs the extra 'models'")
pytest.importorskip("datasets", reason="needs the extra 'train'")

from datasets import Dataset

from retrievo.tune.length_batches import LengthBatches


def batches(lengths, *, batch_size=4, seed=0, epoch=0):
    texts = ["x" * length for length in lengths]
    made = LengthBatches(Dataset.from_dict({"text": texts}), batch_size, True, seed=seed)
    made.set_epoch(epoch)
    found = list(made)
    assert len(found) == len(made)
    return found


def test_each_text_comes_once_and_batches_are_full():
    found = batches(np.random.default_rng(0).integers(1, 90, 42))
    assert [len(batch) for batch in found] == [4] * 10
    places = [place for batch in found for place in batch]
    assert len(set(places)) == 40 and set(places) <= set(range(42))


def test_a_batch_has_texts_of_like_length():
    lengths = np.array([1, 2, 3, 4, 50, 51, 52, 53, 90, 91, 92, 93])[::-1]
    found = batches(lengths)
    assert sorted(sorted(lengths[batch].tolist()) for batch in found) == [
        [1, 2, 3, 4],
        [50, 51, 52, 53],
        [90, 91, 92, 93],
    ]


def test_batches_do_not_come_by_their_length():
    lengths = np.arange(400)
    means = [lengths[batch].mean() for batch in batches(lengths)]
    assert means != sorted(means) and means != sorted(means, reverse=True)


def test_many_texts_are_sorted_in_windows():
    lengths = np.random.default_rng(0).permutation(3000)
    spreads = [np.ptp(lengths[batch]) for batch in batches(lengths)]
    # Of 64 x 4 texts out of 3,000, four neighbours span about 3 x 12; four at random, 1,800.
    assert 20 < np.mean(spreads) < 120


def test_an_epoch_has_its_order_and_a_seed_its_own():
    lengths = np.random.default_rng(0).integers(1, 90, 41)
    assert batches(lengths) == batches(lengths)
    assert batches(lengths) != batches(lengths, epoch=1)
    assert batches(lengths) != batches(lengths, seed=1)


def test_fewer_texts_than_a_batch_give_none():
    assert batches([3, 4, 5]) == []
