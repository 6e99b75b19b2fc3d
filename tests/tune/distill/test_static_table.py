import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from token_documents import DIM, WORDS, documents, tokenizer, unit, weighted

from retrievo.errors import ConfigError
from retrievo.tune.distill import count_matrix, static_table
from retrievo.tune.distill.count_matrix import CountMatrix
from retrievo.tune.distill.normal_equations import DIRECTION_SHARE, PAIR_SHARE
from retrievo.tune.distill.static_table import PENALTIES, QUERY_BIAS, fit_table
from retrievo.tune.distill.token_directions import token_directions
from retrievo.tune.distill.token_statistics import TokenStatistics, frequent_pairs


def statistics(n, *, pairs=3, seed=3):
    rows, texts, vectors = documents(n, seed)
    made = TokenStatistics(tokenizer(), DIM, frequent_pairs(tokenizer(), texts, pairs))
    made.add(rows, texts, vectors)
    return made, texts, unit(vectors).astype(np.float64)


def closed_form(made, texts, vectors, penalty, directions):
    """The ridge on rows and map, with the normal equations solved as they are written."""
    weights = np.array([weighted(made, text) for text in texts])
    tokens, n = made.counter.vocabulary, len(texts)
    often = (weights > 0).sum(axis=0)
    scale = np.log(1 + (n - often + 0.5) / (often + 0.5))
    scale[tokens:] *= PAIR_SHARE
    scale /= np.sqrt(((weights * scale)[:, :tokens] ** 2).sum(axis=1).mean())
    x = weights * scale
    around = np.zeros((tokens, 0))
    if directions is not None:
        seen = often[:tokens] > 0
        around = directions - directions[seen].mean(axis=0)
        around *= DIRECTION_SHARE / np.sqrt((around[seen] ** 2).sum(axis=1).mean())
    both = np.hstack([x, x[:, :tokens] @ around])
    centred = vectors - vectors.mean(axis=0)
    found = np.linalg.solve(both.T @ both + penalty * np.eye(both.shape[1]), both.T @ centred)
    rows = found[: len(scale)]
    rows[:tokens] += around @ found[len(scale) :]
    return rows * scale[:, None], QUERY_BIAS * vectors.mean(axis=0)


@pytest.mark.parametrize("directed", [False, True])
def test_equals_the_closed_form(directed, monkeypatch):
    monkeypatch.setattr(static_table, "STEPS", 200)
    made, texts, vectors = statistics(60)
    directions = None
    if directed:
        directions = np.random.default_rng(5).standard_normal((len(WORDS), 4)).astype(np.float32)
    fitted = fit_table(made, directions=directions)
    table, bias = closed_form(made, texts, vectors, static_table.PENALTY, directions)
    largest = max(np.abs(table).max(), np.abs(bias).max())
    assert np.abs(fitted.table - table / largest).max() < 1e-4
    assert np.abs(fitted.bias - bias / largest).max() < 1e-5
    assert fitted.held_out is None and fitted.told["held out"] == 0


def test_with_held_out_documents_it_is_the_closed_form_of_all_of_them(monkeypatch):
    monkeypatch.setattr(static_table, "_LAST_STEPS", 200)
    made, texts, vectors = statistics(300)
    fitted = fit_table(made)
    table, bias = closed_form(made, texts, vectors, fitted.told["penalty"], None)
    largest = max(np.abs(table).max(), np.abs(bias).max())
    assert np.abs(fitted.table - table / largest).max() < 1e-4
    assert np.abs(fitted.bias - bias / largest).max() < 1e-5


def test_held_out_vectors_are_of_a_fit_that_has_not_seen_them(monkeypatch):
    monkeypatch.setattr(static_table, "_MOST_STEPS", 100)
    monkeypatch.setattr(static_table, "_LEAST_GAIN", 0.0)
    monkeypatch.setattr(static_table, "_PATIENCE", 100)
    made, _, _ = statistics(300)
    fitted = fit_table(made)
    assert fitted.held_out.shape == (len(made.held_rows), DIM)
    assert np.abs(np.linalg.norm(fitted.held_out, axis=1) - 1).max() < 1e-5
    # Other vectors of the held-out documents change the choice and the table, not these.
    chosen = fitted.told["penalty"]
    monkeypatch.setattr(static_table, "_choose", lambda fit: (chosen, 7, {chosen: 0.0}))
    first = fit_table(made)
    made.held_vectors = made.held_vectors[::-1].copy()
    second = fit_table(made)
    assert np.abs(first.held_out - second.held_out).max() < 1e-5
    assert np.abs(first.table - second.table).max() > 1e-3


def many_words(noise):
    """400 documents of ten words each, whose vectors are the mean of their words' and noise."""
    draw = np.random.default_rng(8)
    words = ["?", *(f"w{at}" for at in range(300))]
    taken = [draw.choice(300, 10, replace=False) + 1 for _ in range(400)]
    texts = [" ".join(words[one] for one in some) for some in taken]
    truth = draw.standard_normal((len(words), DIM))
    vectors = np.array([truth[some].mean(axis=0) for some in taken])
    vectors += noise * draw.standard_normal(vectors.shape) + np.array([1, 0, 0, 0, 0, 0])
    return words, texts, vectors.astype(np.float32)


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_the_penalty_follows_what_held_out_documents_show(noise):
    words, texts, vectors = many_words(noise)
    made = TokenStatistics(tokenizer(words), DIM)
    rows = np.arange(400)
    made.add(rows, texts, vectors)
    told = fit_table(made).told
    assert told["held out"] == len(made.held_rows) > 20
    cosines = {float(one): cosine for one, cosine in told["cosine by penalty"].items()}
    assert cosines[told["penalty"]] == max(cosines.values())
    assert told["penalty"] == (PENALTIES[0] if noise == 0 else PENALTIES[-1])


def test_a_refresh_equals_a_fit_at_once(tmp_path):
    words, texts, vectors = many_words(0.1)
    rows = np.arange(400)
    pairs = frequent_pairs(tokenizer(words), texts[:250])
    directions = token_directions(tokenizer(words), len(words))
    at_once = TokenStatistics(tokenizer(words), DIM, pairs)
    at_once.add(rows, texts, vectors)
    first = TokenStatistics(tokenizer(words), DIM, pairs)
    first.add(rows[:250], texts[:250], vectors[:250])
    before = fit_table(first, directions=directions)
    first.save(tmp_path / "kept")
    again = TokenStatistics.load(tmp_path / "kept")
    again.add(rows[250:], texts[250:], vectors[250:])
    refreshed = fit_table(again, directions=directions)
    wanted = fit_table(at_once, directions=directions)
    assert refreshed.told == wanted.told
    assert np.abs(refreshed.table - wanted.table).max() < 1e-4
    assert np.abs(refreshed.bias - wanted.bias).max() < 1e-5
    assert np.abs(refreshed.held_out - wanted.held_out).max() < 1e-4
    assert np.abs(before.table - wanted.table).max() > 1e-2


def test_a_token_of_no_document_points_where_its_letters_do():
    made = TokenStatistics(tokenizer(), DIM)
    rows, _, vectors = documents(60)
    # "river" is in no text; "flour" and "glacier" are, with vectors that are far apart.
    vectors[:30] = [1, 0, 0, 0, 0, 0]
    vectors[30:] = [0, 1, 0, 0, 0, 0]
    texts = ["the flour bread oven key"] * 30 + ["the glacier moon key"] * 30
    made.add(rows, texts, vectors)
    river = WORDS.index("river")
    assert not fit_table(made).table[river].any()
    row = fit_table(made, directions=token_directions(tokenizer(), len(WORDS))).table[river]
    assert row[1] > row[0]


def test_what_gives_no_direction_changes_nothing():
    made = TokenStatistics(tokenizer(), DIM)
    made.add([1, 2], ["the key", "the oven"], np.ones((2, DIM), np.float32))
    fitted = fit_table(made)
    assert np.abs(fitted.table).max() < 1e-6  # all vectors are the mean
    assert np.allclose(fitted.bias, 1)
    with pytest.raises(ConfigError, match="nothing to fit"):
        fit_table(TokenStatistics(tokenizer(), DIM))


class TestTokenDirections:
    def test_marks_of_vocabularies_and_case_do_not_count(self):
        names = ("river", "##river", "▁River", "Ġriver", "river</w>", "oven")
        found = token_directions(tokenizer(names), 9)
        assert all(np.array_equal(found[0], found[at]) for at in range(1, 5))
        assert found[0] @ found[5] < 0.9
        assert np.abs(np.linalg.norm(found[:6], axis=1) - 1).max() < 1e-5
        assert not found[6:].any()


@given(st.integers(0, 2**32), st.integers(1, 90), st.integers(1, 40))
def test_products_are_those_of_the_dense_matrix(seed, n, width):
    draw = np.random.default_rng(seed)
    dense = draw.standard_normal((n, width)) * (draw.random((n, width)) < draw.random(width))
    row, columns = np.nonzero(dense)
    starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n))])
    made = CountMatrix(starts, columns, dense[row, columns].astype(np.float32), width)
    right = draw.standard_normal((width, 3)).astype(np.float32)
    left = draw.standard_normal((n, 3)).astype(np.float32)
    assert np.abs(made.times(right) - dense @ right).max() < 1e-4
    assert np.abs(made.transposed_times(left) - dense.T @ left).max() < 1e-4


def test_neither_what_is_dense_nor_the_blocks_can_be_seen(monkeypatch):
    draw = np.random.default_rng(1)
    dense = draw.standard_normal((200, 50)) * (draw.random((200, 50)) < 0.4)
    row, columns = np.nonzero(dense)
    starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=200))])
    right = draw.standard_normal((50, 3)).astype(np.float32)
    for most, at_once in ((0, 1), (200 * 20, 1), (200 * 50, 10_000)):
        monkeypatch.setattr(count_matrix, "_DENSE_MOST", most)
        monkeypatch.setattr(count_matrix, "_AT_ONCE", at_once)
        made = CountMatrix(starts, columns, dense[row, columns].astype(np.float32), 50)
        assert np.abs(made.times(right) - dense @ right).max() < 1e-4
        assert (
            np.abs(made.transposed_times(made.times(right)) - dense.T @ dense @ right).max() < 2e-3
        )
