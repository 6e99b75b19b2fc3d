import pytest

from retrievo import ConfigError
from retrievo.retrieve.terms import Terms


def test_words_are_lower_case_stemmed_and_without_stop_words():
    terms = Terms("english")
    assert terms.indices("The Runners are RUNNING") == terms.indices("runner run")
    assert terms.indices("the of and") == []
    assert terms.indices("") == []


def test_a_word_counts_as_often_as_it_occurs():
    terms = Terms("english")
    assert len(terms.indices("key key key")) == 3
    assert len(set(terms.indices("key key key"))) == 1


def test_single_letters_and_digits_are_words():
    terms = Terms("english")
    assert len(terms.indices("C 7 R")) == 3


def test_chinese_becomes_overlapping_pairs():
    terms = Terms("english")
    whole = set(terms.indices("北京大学"))
    assert len(whole) == 3
    assert set(terms.indices("大学")) < whole
    assert len(terms.indices("京")) == 1
    assert set(terms.indices("大学abc")) == set(terms.indices("大学")) | set(terms.indices("abc"))


def test_no_language_means_no_stemming_and_no_stop_words():
    terms = Terms("none")
    assert terms.indices("running") != terms.indices("run")
    assert len(terms.indices("the")) == 1


def test_stop_words_of_ones_own():
    assert Terms("english", ["Foo"]).indices("foo the") == Terms("english", []).indices("the")


def test_an_unknown_language_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"klingon.*german"):
        Terms("klingon")


def test_indices_are_the_same_in_every_process():
    # Written down from blake2b of "retriev", 4 bytes, little endian: indexes on disk depend on it.
    import hashlib

    stem = int.from_bytes(hashlib.blake2b(b"retriev", digest_size=4).digest(), "little")
    assert Terms("english").indices("retrieval") == [stem]
