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


CODE = "x = getUserName(os.path.join(a, b)); // get_user_id[0];"
PROSE = "The McDonald group (2019) found that mRNA levels, e.g. of p53, were high in San Francisco."


def words(terms, text):
    """The spans that gave the text's terms."""
    return [text[start:end] for _, start, end, _ in terms.occurrences(text)]


def test_names_in_code_give_whole_and_parts():
    terms = Terms("english", code="on")
    whole = terms.indices(CODE)
    for part in ["get", "user", "name", "id", "getusername", "get_user_id", "path"]:
        assert set(Terms("english").indices(part)) <= set(whole), part
    assert set(terms.indices("os.path.join")) <= set(whole)
    assert len(set(terms.indices("os.path.join"))) == 4
    assert whole[: len(Terms().indices(CODE))] == Terms().indices(CODE)


def test_auto_splits_code_and_leaves_prose_alone():
    auto, on, off = (Terms("english", code=code) for code in ("auto", "on", "off"))
    assert auto.indices(CODE) == on.indices(CODE) != off.indices(CODE)
    assert auto.indices(PROSE) == off.indices(PROSE) != on.indices(PROSE)
    plain = "Plain words, and nothing else."
    assert on.indices(plain) == off.indices(plain)


def test_a_query_counts_parts_half():
    [name, get, user] = Terms("english").indices("getuser get user")
    for code in ("on", "auto"):
        assert Terms("english", code=code).weights("getUser user") == {
            name: 1.0, get: 0.5, user: 1.5
        }  # fmt: skip
    assert Terms("english").weights("getUser user user") == {name: 1.0, user: 2.0}


def test_settings_tell_what_changes_terms():
    told = {Terms(code=code).settings for code in ("off", "on", "auto")}
    assert len(told) == 3 and Terms().settings == Terms(code="off").settings
    assert "code" not in Terms().settings
    with pytest.raises(ConfigError, match="code is 'yes'"):
        Terms(code="yes")


@pytest.mark.parametrize("code", ["off", "on", "auto"])
@pytest.mark.parametrize(
    "text",
    [CODE, PROSE, "", "北京大学abc大学 İstanbul'da ΟΔΟΣ x", "half \ud83d İİİ word", "a_b__c"],
)
def test_occurrences_are_the_indices_with_their_spans(text, code):
    terms = Terms("english", code=code)
    found = terms.occurrences(text)
    assert [one.term for one in found] == terms.indices(text)
    for one in found:
        assert 0 <= one.start < one.end <= len(text)
    weights = {}
    for one in terms.occurrences(text, query=True):
        weights[one.term] = weights.get(one.term, 0) + one.weight
    assert weights == terms.weights(text)


def test_where_terms_are():
    assert words(Terms("english"), "The Runners are RUNNING.") == ["Runners", "RUNNING"]
    assert words(Terms("english"), "北京大学abc") == ["北京", "京大", "大学", "abc"]
    assert words(Terms("none"), "İİ word") == ["İ", "İ", "word"]
    assert words(Terms("none", code="on"), "getUser") == ["getUser", "get", "User"]
