import json

import numpy as np
import pytest
from token_documents import DIM, WORDS, documents, tokenizer, unit, weighted
from tokenizers import Tokenizer

from retrievo.encode.student.counting import TokenCounter
from retrievo.errors import ConfigError, EncoderError
from retrievo.tune.distill import token_statistics as module
from retrievo.tune.distill.token_statistics import TokenStatistics, frequent_pairs
from retrievo.tune.distill.tokenizer_json import tokenizer_json


def equal(one, other):
    order, others = np.argsort(one.rows), np.argsort(other.rows)
    assert np.array_equal(one.rows[order], other.rows[others])
    assert np.array_equal(np.sort(one.columns), np.sort(other.columns))
    assert np.array_equal(one.held_rows, other.held_rows)
    assert np.array_equal(one.held_vectors, other.held_vectors)
    assert np.abs(one.sums - other.sums).max() < 1e-4
    assert np.abs(one.sum - other.sum).max() < 1e-4


def test_sums_and_weights_are_those_of_the_definition():
    rows, texts, vectors = documents(90)
    pairs = frequent_pairs(tokenizer(), texts, 5)
    made = TokenStatistics(tokenizer(), DIM, pairs)
    assert made.add(rows, texts, vectors) == 90
    weights = np.array([weighted(made, text) for text in texts])
    outside = ~np.isin(rows, made.held_rows)
    assert 0 < outside.sum() < 90
    wanted = weights[outside].T @ unit(vectors)[outside]
    assert np.abs(made.sums - wanted).max() < 1e-5
    assert np.abs(made.sum - unit(vectors).sum(axis=0)).max() < 1e-5
    values = made.values()
    for at, text in enumerate(texts):
        part = slice(made.starts[at], made.starts[at + 1])
        row = np.zeros(made.counter.columns)
        row[made.columns[part]] = values[part]
        assert np.abs(row - weighted(made, text)).max() < 1e-6


def test_the_most_frequent_pairs_are_those_of_most_texts():
    texts = ["the key", "the key the key", "THE KEY oven", "key the", "oven bread", "oven bread"]
    the, key = WORDS.index("the"), WORDS.index("key")
    assert frequent_pairs(tokenizer(), texts).tolist() == [the * len(WORDS) + key]
    assert frequent_pairs(tokenizer(), texts, 0).tolist() == []
    assert frequent_pairs(tokenizer(), []).tolist() == []


@pytest.mark.parametrize("cuts", [[45], [1, 2, 80], list(range(1, 90))])
@pytest.mark.parametrize("most", [2_000, 25])
def test_batches_and_their_order_do_not_count(cuts, most, monkeypatch):
    # 25: more documents are below the share than may be held out, and some have to leave.
    monkeypatch.setattr(module, "MOST_HELD_OUT", most)
    monkeypatch.setattr(module, "HELD_OUT", 0.5)
    rows, texts, vectors = documents(90)
    at_once = TokenStatistics(tokenizer(), DIM)
    at_once.add(rows, texts, vectors)
    in_parts = TokenStatistics(tokenizer(), DIM)
    for part in reversed(np.split(np.arange(90), cuts)):
        in_parts.add(rows[part], [texts[at] for at in part], vectors[part])
    equal(at_once, in_parts)
    assert len(at_once.held_rows) == 25 if most == 25 else len(at_once.held_rows) > 25


@pytest.mark.parametrize(("n", "low", "high"), [(10, 10, 10), (100, 20, 20), (2_000, 160, 240)])
def test_a_tenth_is_held_out_and_at_least_twenty(n, low, high):
    made = TokenStatistics(tokenizer(), DIM)
    made.add(*documents(n))
    assert low <= len(made.held_rows) <= high
    assert np.array_equal(made.rows[made.held_places], made.held_rows)


def test_what_was_saved_goes_on_as_if_it_had_not_been(tmp_path):
    rows, texts, vectors = documents(60)
    pairs = frequent_pairs(tokenizer(), texts)
    whole = TokenStatistics(tokenizer(), DIM, pairs)
    whole.add(rows, texts, vectors)
    first = TokenStatistics(tokenizer(), DIM, pairs)
    first.add(rows[:40], texts[:40], vectors[:40])
    first.save(tmp_path / "statistics")
    again = TokenStatistics.load(tmp_path / "statistics")
    again.add(rows[40:], texts[40:], vectors[40:])
    equal(whole, again)
    assert np.array_equal(again.counter.pairs, pairs)
    assert [path.name for path in tmp_path.iterdir()] == ["statistics"]


def test_an_empty_one_can_be_saved(tmp_path):
    TokenStatistics(tokenizer(), DIM).save(tmp_path / "statistics")
    again = TokenStatistics.load(tmp_path / "statistics")
    assert len(again) == 0 and again.add(*documents(3)) == 3


def test_texts_without_tokens_and_zero_vectors_stay_out():
    vectors = np.ones((4, DIM), np.float32)
    vectors[2] = 0
    made = TokenStatistics(tokenizer(), DIM)
    assert made.add([1, 2, 3, 4], ["", " \n", "the key", "the key"], vectors) == 1
    assert made.rows.tolist() == [4]
    assert made.add([], [], np.zeros((0, DIM), np.float32)) == 0


def test_what_does_not_fit_is_refused_and_leaves_no_trace():
    made = TokenStatistics(tokenizer(), DIM)
    made.add([1], ["the key"], np.ones((1, DIM), np.float32))
    with pytest.raises(EncoderError, match="one vector of 6"):
        made.add([2], ["the key"], np.ones((1, DIM + 1), np.float32))
    with pytest.raises(EncoderError, match="in the statistics already, 1"):
        made.add([2, 1], ["a", "b"], np.ones((2, DIM), np.float32))
    with pytest.raises(EncoderError, match="twice in one call"):
        made.add([2, 2], ["a", "b"], np.ones((2, DIM), np.float32))
    bad = np.ones((2, DIM), np.float32)
    bad[1, 2] = np.nan
    with pytest.raises(EncoderError, match="row 7"):
        made.add([6, 7], ["the key", "the oven"], bad)
    assert made.rows.tolist() == [1]


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / "statistics"
    with pytest.raises(ConfigError, match=r"statistics.*distill"):
        TokenStatistics.load(path)
    made = TokenStatistics(tokenizer(), DIM)
    made.add(*documents(50))
    made.starts[-1] += 1
    made.save(path)
    with pytest.raises(ConfigError, match=r"damaged.*distill"):
        TokenStatistics.load(path)
    made.starts[-1] -= 1
    made.save(path)
    whole = path.read_bytes()
    for damaged in (whole[:-5], whole[:100], b"", b"no such file", whole.replace(b"-1", b"-9", 1)):
        path.write_bytes(damaged)
        with pytest.raises(ConfigError, match="distill"):
            TokenStatistics.load(path)


class TestTokenizer:
    def test_without_a_model_it_is_wordllamas_in_lower_case(self):
        from retrievo.encode.static_tokens import static_tokens

        counter = TokenCounter(tokenizer_json(object()))
        for text in ("Rotate the KEY, now", "Grüße aus Köln", "a\nb  c"):
            assert counter.ids(text).tolist() == static_tokens().ids(text.lower())

    def test_a_models_own_loses_what_cuts_and_pads_and_adds(self):
        from tokenizers.processors import TemplateProcessing

        fast = Tokenizer.from_str(tokenizer())
        fast.enable_truncation(2)
        fast.enable_padding(length=9)
        fast.post_processor = TemplateProcessing(single="? $A ?", special_tokens=[("?", 0)])
        encoder = type("E", (), {"model": type("M", (), {"tokenizer": fast})})
        told = tokenizer_json(encoder)
        assert json.loads(told)["truncation"] is None
        assert Tokenizer.from_str(told).encode("the key oven").ids == [1, 2, 7]


def test_a_long_text_is_cut_where_no_token_is():
    words = ["key", "moon", "glacier"] * 6_000
    ids = TokenCounter(tokenizer()).ids(" ".join(words))
    assert len(" ".join(words)) > 2 * 16_384
    assert ids.tolist() == [WORDS.index(word) for word in words]
    assert [one.tolist() for one in TokenCounter(tokenizer()).ids_of([" ".join(words), "the"])] == [
        ids.tolist(),
        [1],
    ]
