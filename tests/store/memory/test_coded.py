"""A memory store that reads codes first."""

from typing import get_args, get_type_hints

import numpy as np
import pytest
from dense_batches import batch, clustered, dense, inseparable
from hypothesis import given, settings
from hypothesis import strategies as st

from retrievo.errors import ConfigError, RetrievoWarning
from retrievo.filters import F, scoped
from retrievo.store.codecs import CODECS
from retrievo.store.memory import coded
from retrievo.store.memory import searching as memory_search
from retrievo.store.memory.store import MemoryStore
from retrievo.telling import collecting


@pytest.fixture
def early(monkeypatch):
    """Codes from 100 vectors on, so that tests are small."""
    set_early(monkeypatch)


def set_early(monkeypatch):
    monkeypatch.setattr(coded, "CODED_FROM", 100)
    monkeypatch.setattr(memory_search, "CODED_FROM", 100)


def made(vectors, tenant=None, **settings):
    store = MemoryStore(**settings)
    store.open(dense(vectors.shape[1]), {})
    store.write(batch(vectors, tenant=tenant, metadata=lambda i: {"part": i % 10, "big": i > 200}))
    return store


def coding(store):
    return store.stats().representations["dense"]


@pytest.mark.parametrize("name", CODECS)
def test_what_is_found_is_scored_exactly(early, name):
    vectors, queries = np.split(clustered(1230, 32), [1200])
    exact, store = made(vectors), made(vectors, compression=name)
    shares = []
    for right, found in zip(
        exact.search("dense", queries, 10), store.search("dense", queries, 10), strict=True
    ):
        score = dict(zip(right.rows.tolist(), right.scores.tolist(), strict=True))
        known = [row in score for row in found.rows.tolist()]
        shares.append(np.mean(known))
        assert len(found) == 10 and (np.diff(found.scores) <= 0).all()
        assert found.scores[known].tolist() == [score[row] for row in found.rows[known].tolist()]
    assert np.mean(shares) > 0.8
    assert coding(store).coding == name and coding(store).coded == 1200
    assert coding(store).bytes_a_vector < 4 * 32
    assert store.vectors("dense", np.array([5])).tolist() == vectors[5:6].tolist()


def test_codes_are_what_is_read():
    """Of 6,000 vectors that agree in all signs but are not equal, one bit finds others."""
    vectors = clustered(6000, 16, clusters=2, spread=0.05)
    queries = clustered(20, 16, seed=3, clusters=2, spread=0.05)
    exact = made(vectors).search("dense", queries, 10)
    store = made(vectors, compression="binary", oversampling=1.0)
    found = store.search("dense", queries, 10)
    pairs = zip(exact, found, strict=True)
    assert np.mean([np.isin(a.rows, b.rows).mean() for a, b in pairs]) < 0.9
    assert "approximate" in store.capabilities


def test_below_the_size_the_floats_are_read():
    store = made(clustered(4999, 8), compression="binary")
    store.settle()
    assert (coding(store).coding, coding(store).coded) == ("float32", 0)
    store.write(batch(clustered(1, 8), first=4999))
    store.settle()
    assert (coding(store).coding, coding(store).coded) == ("binary", 5000)


@settings(max_examples=30)
@given(
    name=st.sampled_from(list(CODECS)),
    n=st.integers(90, 300),
    depth=st.integers(0, 400),
    oversampling=st.sampled_from([None, 1.0, 1.5]),
    wanted=st.sampled_from([None, F("part") == 3, F("part") != 3, F("big") == True, F("no") == 1]),  # noqa: E712
    same=st.booleans(),
)
def test_as_many_come_back_as_there_are(name, n, depth, oversampling, wanted, same):
    vectors = np.ones((n, 6), np.float32) if same else clustered(n, 6)
    with pytest.MonkeyPatch.context() as monkeypatch:
        set_early(monkeypatch)
        store = made(vectors, compression=name, oversampling=oversampling)
        found = store.search("dense", clustered(2, 6, seed=1), depth, wanted)
        for one in found:
            assert len(one) == min(depth, store.count(wanted)) == len(set(one.rows.tolist()))
            assert one.exhaustive == (store.count(wanted) < depth)
            if wanted is not None:
                fitting = store.search("dense", vectors[:1], n, wanted)[0].rows
                assert np.isin(one.rows, fitting).all()


def test_few_matches_are_scored_exactly(early):
    vectors, queries = clustered(900, 16), clustered(10, 16, seed=2)
    exact, store = made(vectors), made(vectors, compression="binary", oversampling=1.0)
    for right, found in zip(
        exact.search("dense", queries, 10, F("part") == 3),
        store.search("dense", queries, 10, F("part") == 3),
        strict=True,
    ):
        assert right.rows.tolist() == found.rows.tolist()


def test_a_tenant_sees_its_own(early):
    store = made(clustered(400, 16), tenant="a", compression="rabitq")
    store.write(batch(clustered(300, 16, seed=5), tenant="b"))
    query = clustered(1, 16, seed=9)
    for tenant, low, high in (("a", 0, 400), ("b", 400, 700)):
        rows = store.search("dense", query, 50, scoped(None, tenant))[0].rows
        assert len(rows) == 50 and ((rows >= low) & (rows < high)).all()


def test_codes_follow_what_is_written_and_deleted(early):
    vectors = clustered(150, 8)
    store = made(vectors, compression="int8")
    store.settle()
    fitted = store._now.lookups.coded["dense"].codec
    store.write(batch(clustered(40, 8, seed=1), first=150))
    store.delete([f"d{i}" for i in range(0, 150, 3)])
    store.write(batch(clustered(5, 8, seed=2), first=3))
    found = store.search("dense", clustered(1, 8, seed=3), 10)[0]
    held = store._now.lookups.coded["dense"]
    # The same fit, and the codes that it gives the vectors that are there now.
    rows = np.concatenate(list(store.scan()))
    assert held.codec is fitted
    assert (held.codes.array == fitted.encode(store.vectors("dense", rows))).all()
    assert np.isin(found.rows, rows).all()
    store.replace("dense", rows, clustered(len(rows), 8, seed=4), None)
    store.search("dense", clustered(1, 8), 3)
    held = store._now.lookups.coded["dense"]
    assert (held.codes.array == held.codec.encode(store.vectors("dense", rows))).all()


def test_a_collection_that_has_grown_by_half_is_fitted_again(early):
    store = made(clustered(200, 8), compression="int8")
    store.settle()
    first = store._now.lookups.coded["dense"].codec
    store.write(batch(clustered(99, 8, seed=1), first=200))
    store.settle()
    assert store._now.lookups.coded["dense"].codec is first
    store.write(batch(clustered(1, 8, seed=2), first=299))
    store.settle()
    assert store._now.lookups.coded["dense"].codec is not first
    assert coding(store).coded == 300


def test_a_collection_that_others_have_replaced_is_fitted_again(early):
    """Codes of a fit on small numbers would all be cut to the last level."""
    store = made(clustered(300, 8) * np.float32(0.01), compression="int8")
    store.settle()
    for i in range(6):
        large = clustered(50, 8, seed=i) * np.float32(100)
        store.write(batch(large, first=50 * i))
        found = store.search("dense", large[:1], 1)[0]
    now = store._now.lookups.coded["dense"]
    assert store.count() == 300 and now.codec.step.max() > 0.1
    assert found.scores[0] == store.score("dense", large[:1], found.rows)[0][0]
    assert np.abs(now.codec.decode(now.codes.array)).max() > 20


def test_a_collection_of_which_half_is_left_is_fitted_again(early):
    store = made(clustered(400, 8), compression="int8")
    store.settle()
    first = store._now.lookups.coded["dense"].codec
    store.delete([f"d{i}" for i in range(200)])
    store.settle()
    assert store._now.lookups.coded["dense"].codec is not first
    assert coding(store).coded == 200


def test_auto_says_what_it_chose_and_keeps_to_it(early):
    vectors = clustered(1500, 32, clusters=150)
    store = made(vectors, compression="auto", min_recall=0.95)
    with collecting() as told:
        store.settle()
        store.search("dense", vectors[:1], 3)
    chosen = coding(store).coding
    assert chosen in CODECS and len(told) == 1
    assert f"compression {chosen}" in told[0] and "recall@10 wanted 0.95" in told[0]
    assert "'dense', 1500 vectors" in told[0]
    assert store.stats().notes and f"compression {chosen}" in store.stats().notes[0]
    # Found again what was chosen before: nothing new to say.
    store.write(batch(clustered(1500, 32, clusters=150, seed=1), first=1500))
    with collecting() as told:
        store.settle()
    assert coding(store).coding == chosen and told == [] and coding(store).coded == 3000


def test_auto_stays_with_floats_where_codes_are_not_good_enough(early):
    vectors = inseparable()
    store, exact = made(vectors, compression="auto"), made(vectors)
    with pytest.warns(RetrievoWarning, match=r"compression none \(float32\)"):
        store.settle()
    assert coding(store).coding == "float32" and "none" in store.stats().notes[0]
    for a, b in zip(
        store.search("dense", vectors[:9], 10), exact.search("dense", vectors[:9], 10), strict=True
    ):
        assert a.rows.tolist() == b.rows.tolist()


@pytest.mark.parametrize("name", ["none", "auto", *CODECS])
def test_approximate_is_said_where_it_can_be(name):
    store = MemoryStore(compression=name)
    assert ("approximate" in store.capabilities) is (name != "none")
    assert "approximate" not in MemoryStore.capabilities


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"compression": "int4"}, "int4"),
        ({"min_recall": 0.0}, "min_recall"),
        ({"min_recall": 98}, "98"),
        ({"oversampling": 0.5}, "oversampling"),
        ({"oversampling": float("inf")}, "oversampling"),
    ],
)
def test_settings_that_make_no_sense_are_refused(arguments, said):
    with pytest.raises(ConfigError, match=said):
        MemoryStore(**arguments)


def test_the_setting_names_every_codec():
    known = get_args(get_type_hints(MemoryStore.__init__)["compression"])
    assert set(known) == {"none", "auto", *CODECS}
