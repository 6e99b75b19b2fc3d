import numpy as np
import pytest

from retrievo.encode.remote.batches import batches, counted


def test_a_request_is_full_at_its_items_or_its_tokens():
    # 3 bytes a token: 2, 2, 2, 4 and 1 tokens.
    texts = ["abcdef", "ab cd", "abcd", "é" * 6, "a"]
    assert [counted(text) for text in texts] == [2, 2, 2, 4, 1]
    assert batches(texts, items=2, tokens=100) == [[0, 1], [2, 3], [4]]
    assert batches(texts, items=100, tokens=4) == [[0, 1], [2], [3], [4]]
    assert batches(texts, items=100, tokens=11) == [[0, 1, 2, 3, 4]]


def test_a_text_that_is_longer_than_a_request_goes_alone():
    assert batches(["a", "b" * 300, "c"], items=9, tokens=50) == [[0], [1], [2]]
    assert batches([], items=9, tokens=50) == []


@pytest.mark.parametrize("items", [1, 3, 1000])
def test_each_text_is_in_one_batch_and_in_order(items):
    draw = np.random.default_rng(1)
    texts = ["x" * int(size) for size in draw.integers(0, 400, 200)]
    made = batches(texts, items=items, tokens=100)
    assert [place for batch in made for place in batch] == list(range(200))
    assert all(len(batch) <= items for batch in made)
    sizes = [sum(counted(texts[place]) for place in batch) for batch in made]
    assert all(size <= 100 or len(batch) == 1 for size, batch in zip(sizes, made, strict=True))
