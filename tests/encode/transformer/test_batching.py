from hypothesis import given
from hypothesis import strategies as st

from retrievo.encode.transformer.batching import slabs, token_batches

LENGTHS = st.lists(st.integers(0, 300), max_size=200)


@given(LENGTHS, st.integers(1, 2_000))
def test_every_place_is_in_one_batch_and_the_budget_is_kept(lengths, budget):
    batches = [batch.tolist() for batch in token_batches(lengths, budget)]
    placed = [place for batch in batches for place in batch]
    assert sorted(placed) == list(range(len(lengths)))
    # The longest first, equal ones in the order given.
    assert placed == sorted(placed, key=lambda place: (-lengths[place], place))
    for batch in batches:
        assert batch
        padded = len(batch) * max(lengths[place] for place in batch)
        assert len(batch) == 1 or padded <= budget


@given(LENGTHS, st.integers(1, 2_000))
def test_a_batch_ends_only_where_one_more_would_not_fit(lengths, budget):
    batches = token_batches(lengths, budget)
    for batch in batches[:-1]:
        assert (len(batch) + 1) * max(1, lengths[batch[0]]) > budget


def test_by_hand():
    # 2 x 5 tokens are 10; then 3 x 3 are 9; a text of 20 is over the budget by itself.
    batches = token_batches([3, 5, 20, 3, 5, 3], 10)
    assert [batch.tolist() for batch in batches] == [[2], [1, 4], [0, 3, 5]]


@given(st.lists(st.text(max_size=20), max_size=30), st.integers(1, 50))
def test_slabs_hold_all_texts_in_order(texts, characters):
    parts = list(slabs(texts, characters))
    assert [text for part in parts for text in part] == texts
    assert all(len(part) == 1 or len("".join(part)) <= characters for part in parts)
    assert all(parts)
