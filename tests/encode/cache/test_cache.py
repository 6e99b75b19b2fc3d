import os
import threading

import numpy as np
import pytest
from vector_makers import DIM, KNOWN, Maker, asked, vector_of

from retrievo.encode.cache import Cache, VectorCache
from retrievo.encode.cache import cache as module
from retrievo.encode.encoded import Encoded
from retrievo.errors import ConfigError, EncoderError


@pytest.fixture
def cache(tmp_path):
    made = Cache(tmp_path / "vectors.sqlite")
    yield made
    made.close()


def test_what_is_kept_comes_back_to_the_bit_with_its_tokens(cache):
    texts = ["one", "a longer text", "日本語", "\ud800 lone", "a\0b"]
    first, made = asked(cache, texts)
    again, not_made = asked(cache, texts[::-1])
    assert made == [texts] and not_made == []
    assert again.vectors.tobytes() == first.vectors[::-1].tobytes()
    assert np.array_equal(first.vectors[1], vector_of("a longer text"))
    assert again.tokens_total.tolist() == [3, 6, 3, 13, 3]
    assert again.tokens_seen.tolist() == [3, 5, 3, 5, 3]
    assert [part.dtype for part in again] == [np.float32, np.int32, np.int32]
    assert (cache.hits, cache.misses) == (5, 5)


def test_only_what_is_missing_is_made_and_the_order_is_kept(cache):
    asked(cache, ["b", "d"])
    found, made = asked(cache, ["a", "b", "c", "d"])
    assert made == [["a", "c"]]
    assert np.array_equal(found.vectors, np.array([vector_of(text) for text in "abcd"]))


@pytest.mark.parametrize("setting", ["off", "path"])
def test_equal_texts_of_one_call_are_made_once(tmp_path, setting):
    cache = Cache(setting if setting == "off" else tmp_path / "v.sqlite")
    found, made = asked(cache, ["a", "b", "a", "a"])
    assert made == [["a", "b"]]
    assert np.array_equal(found.vectors, np.array([vector_of(text) for text in "abaa"]))
    assert found.tokens_total.tolist() == [1, 1, 1, 1]
    asked(cache, ["a", "a", "new", "new"])
    assert (cache.hits, cache.misses) == ((0, 0) if setting == "off" else (2, 6))
    cache.close()


@pytest.mark.parametrize(
    "changed",
    [{"side": "query"}, {"prompt": "query: "}, {"fingerprint": "model-2"}, {"dim": DIM + 1}],
    ids=lambda changed: next(iter(changed)),
)
def test_another_side_prompt_or_encoder_has_vectors_of_its_own(cache, changed):
    asked(cache, ["text"])
    assert asked(cache, ["text"], **changed)[1] == [["text"]]
    assert asked(cache, ["text"])[1] == []


def test_the_prompt_and_the_text_are_told_apart(cache):
    asked(cache, ["b"], prompt="a")
    assert asked(cache, ["ab"], prompt="")[1] == [["ab"]]


def test_no_texts(cache):
    found, made = asked(cache, [])
    assert found.vectors.shape == (0, DIM) and found.vectors.dtype == np.float32 and made == []


def test_non_finite_rows_are_not_kept(cache):
    def broken(texts):
        vectors = np.array([vector_of(text) for text in texts])
        vectors[0, 3], vectors[1, 0] = np.nan, -np.inf
        return Encoded(vectors, np.ones(3, np.int32), np.ones(3, np.int32))

    cache.encode(["a", "b", "c"], **KNOWN, make=broken)
    assert asked(cache, ["a", "b", "c"])[1] == [["a", "b"]]


def test_many_texts_are_kept_part_by_part(cache, monkeypatch):
    monkeypatch.setattr(module, "TEXTS_AT_ONCE", 4)
    texts = [f"text {i}" for i in range(10)]

    def dies(missing, calls=iter((False, False, True))):  # noqa: B008  counts the calls
        if next(calls):
            raise EncoderError("the encoder is down")
        return Maker()(missing)

    with pytest.raises(EncoderError):
        cache.encode(texts, **KNOWN, make=dies)
    assert asked(cache, texts)[1] == [["text 8", "text 9"]]


def test_an_error_names_places_of_the_call(cache):
    asked(cache, ["a"])

    def refuses(texts):
        assert texts == ["b", "c", "d"]
        raise EncoderError("refused", texts=[2, 0], reasons=["d is bad", "b is bad"])

    with pytest.raises(EncoderError) as caught:
        cache.encode(["a", "b", "c", "d", "b"], **KNOWN, make=refuses)
    assert caught.value.texts == (1, 3, 4)
    assert caught.value.reasons == ("b is bad", "d is bad", "b is bad")


def test_an_array_of_another_shape_is_refused(cache):
    with pytest.raises(EncoderError, match=r"\(1, 24\) for 2 texts"):
        cache.encode(["a", "b"], **KNOWN, make=lambda texts: Maker()(["a"]))


def test_int8_gives_the_same_the_first_time_as_later(tmp_path):
    cache = Cache(VectorCache(tmp_path / "v.sqlite", precision="int8"))
    first, _ = asked(cache, ["a", "b"])
    again, made = asked(cache, ["a", "b"])
    assert made == [] and np.array_equal(first.vectors, again.vectors)
    exact = np.array([vector_of("a"), vector_of("b")])
    assert 0 < np.abs(first.vectors - exact).max() < np.abs(exact).max() / 127
    assert np.allclose(
        np.linalg.norm(first.vectors, axis=1), np.linalg.norm(exact, axis=1), rtol=1e-6
    )
    cache.close()
    # Who wants float32 is not served what int8 has left of it.
    wide = Cache(tmp_path / "v.sqlite")
    assert asked(wide, ["a"])[1] == [["a"]]
    wide.close()


@pytest.mark.parametrize("setting", ["off", None])
def test_off_keeps_nothing(setting, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cache = Cache(setting)
    cache.beside(tmp_path / "index")
    for _ in range(2):
        assert asked(cache, ["a"])[1] == [["a"]]
    assert cache.path is None and not cache.keeps("document") and not os.listdir(tmp_path)


def test_auto_keeps_documents_from_when_it_is_told_where(tmp_path):
    cache = Cache("auto")
    assert asked(cache, ["a"])[1] == [["a"]] and cache.path is None
    cache.beside(tmp_path / "index")
    assert cache.path == tmp_path / "index.cache.sqlite"
    asked(cache, ["q"], side="query")
    assert not os.listdir(tmp_path), "there is nothing to keep yet"
    assert asked(cache, ["a"])[1] == [["a"]]
    assert asked(cache, ["a"])[1] == []
    assert asked(cache, ["q"], side="query")[1] == [["q"]]
    assert cache.keeps("document") and not cache.keeps("query")
    cache.close()
    assert os.listdir(tmp_path) == ["index.cache.sqlite"]
    cache.beside(tmp_path / "other")
    assert asked(cache, ["a"])[1] == [["a"]]
    cache.close()


def test_a_path_keeps_both_sides_and_stays_where_it_is(cache, tmp_path):
    cache.beside(tmp_path / "index")
    assert cache.path == tmp_path / "vectors.sqlite"
    assert cache.keeps("query") and cache.keeps("document")


def test_a_path_is_made_with_its_folder_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    cache = Cache("~/a/b/vectors.sqlite")
    assert (tmp_path / "a" / "b" / "vectors.sqlite").stat().st_size > 0
    cache.close()


def test_a_closed_cache_opens_again(cache):
    asked(cache, ["a"])
    cache.close()
    cache.close()
    assert asked(cache, ["a"])[1] == []


@pytest.mark.parametrize("setting", ["on", "Auto", "", True, 3])
def test_a_word_that_is_no_setting_is_refused(setting):
    with pytest.raises(ConfigError, match=r"'auto', 'off' or the path of a file is wanted"):
        Cache(setting)


@pytest.mark.parametrize("changed", [{"precision": "int4"}, {"max_mb": 0}, {"max_mb": True}])
def test_a_setting_out_of_range_is_refused(changed):
    with pytest.raises(ConfigError, match=next(iter(changed))):
        VectorCache("v.sqlite", **changed)


def test_threads_share_a_cache(cache):
    texts = [f"text {i}" for i in range(300)]
    right = np.array([vector_of(text) for text in texts])
    wrong = []

    def work(start):
        for at in range(0, 300, 30):
            part = [(start + at + i) % 300 for i in range(60)]
            found, _ = asked(cache, [texts[i] for i in part])
            if not np.array_equal(found.vectors, right[part]):
                wrong.append(part)

    threads = [threading.Thread(target=work, args=(50 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [] and cache.hits > 0
    assert asked(cache, texts)[1] == []
