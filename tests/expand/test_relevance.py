"""The relevance model, against numbers worked out by hand."""

import numpy as np
import pytest

from retrievo.expand.relevance import added, relevance_model, shares
from retrievo.retrieve.terms import terms_of

ENGLISH = terms_of("english", None)


def model(texts, weights, most=10, **more):
    return relevance_model(texts, np.asarray(weights, float), ENGLISH, most=most, **more)


def test_passages_count_by_the_twelfth_power_of_their_scores():
    # 12 equal words, each twice as likely in the first: 2^12 to 1.
    np.testing.assert_allclose(shares(np.float32([2, 1])), [4096 / 4097, 1 / 4097])
    np.testing.assert_allclose(shares(np.float32([3 ** (1 / 12), 1])), [0.75, 0.25], rtol=1e-5)
    np.testing.assert_allclose(shares(np.float32([3, -1])), [1, 0])
    np.testing.assert_allclose(shares(np.float32([3e30, 3e30])), [0.5, 0.5])


@pytest.mark.parametrize("scores", [[0, 0], [-1, -2], [np.nan, np.nan], [np.inf, np.inf]])
def test_passages_without_a_score_to_tell_them_apart_count_alike(scores):
    np.testing.assert_allclose(shares(np.float32(scores)), [0.5, 0.5])


def test_nothing_has_no_shares():
    assert shares(np.empty(0, np.float32)).shape == (0,)


def test_likelihoods_are_the_weighted_shares_of_each_passage():
    # "bread" 2 of 4 terms, "oven" 2 of 4; "dough" 1 of 2, "bread" 1 of 2; weights 3/4 and 1/4.
    found = model(["oven bread bread oven", "dough bread"], [0.75, 0.25])
    assert found == pytest.approx({"bread": 0.5, "oven": 0.375, "dough": 0.125})
    assert list(found) == ["bread", "oven", "dough"]


def test_the_likeliest_are_kept_and_add_up_to_one():
    found = model(["oven bread bread oven", "dough bread"], [0.75, 0.25], most=2)
    assert found == pytest.approx({"bread": 4 / 7, "oven": 3 / 7})


def test_forms_of_a_word_are_one_in_the_commonest_form():
    assert model(["keys key keys door"], [1]) == pytest.approx({"keys": 0.75, "door": 0.25})


def test_stop_words_are_no_words():
    assert model(["the and of", "", "..."], [0.5, 0.25, 0.25]) == {}


def test_equal_words_come_in_the_order_of_the_alphabet():
    assert list(model(["oven bread dough"], [1], most=2)) == ["bread", "dough"]


def test_words_that_may_not_be_taken_are_left_out():
    common = ENGLISH.indices("bread")[0]
    found = model(["bread bread oven"], [1], known=lambda terms: np.array(terms) != common)
    assert found == {"oven": 1.0}


def test_text_without_spaces_gives_pairs_of_characters():
    found = model(["図書館で"], [1])
    assert set(found) <= {"図書", "書館", "館で"} and len(found) > 1
    assert all(len(ENGLISH.indices(word)) == 1 for word in found)


def test_what_is_too_long_is_no_word():
    assert model(["x" * 500 + " bread"], [1]) == {"bread": 1.0}


def test_weights_of_two_are_added():
    assert added({"a": 1.0, "b": 2.0}, {"b": 0.5, "c": 0.25}) == {"a": 1.0, "b": 2.5, "c": 0.25}
