"""Columns on disk: used after reopening, and never of another state than the index is in."""

import shutil
import sqlite3

import numpy as np
import pytest
from filter_strategies import FILTERS, KEPT_METADATA
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrievo.contracts import Batch, Space
from retrievo.filters import F, matches
from retrievo.passport import Passport
from retrievo.store.local.store import LocalStore
from retrievo.store.memory.store import MemoryStore
from retrievo.types import Chunk, Document

YEARS = [2019, 2020, 2020.0, "2020", None, True, [2020, "x"], {"a": 1}, 10**599]


def opened(path):
    store = MemoryStore() if path is None else LocalStore(path)
    store.open(Passport({"name": "ones"}, {"name": "halves"}, "", {"dense": Space("dense", 4)}))
    return store


def batch_of(documents):
    """Each document in two halves, all with the same vector."""
    items = []
    for document in documents:
        text, half = document.text, len(document.text) // 2
        spans = [(0, half), (half, len(text))]
        chunks = [Chunk(document.id, text[a:b], a, b, metadata=document.metadata) for a, b in spans]
        items.append((document, chunks))
    n = 2 * len(items)
    dense = np.ones((n, 4), np.float32)
    return Batch(items, ["1"] * len(items), {"dense": dense}, np.full(n, -1, np.int64))


@pytest.fixture
def index(tmp_path):
    """A closed index of ten documents whose column "year" is kept."""
    with_years = [Document(f"d{i}", f"text {i}", {"year": y}) for i, y in enumerate(YEARS)]
    store = opened(tmp_path / "index")
    store.write(batch_of([*with_years, Document("none", "text")]))
    assert store.count(F("year") == 2020) == 6
    store.close()
    return tmp_path / "index"


def change_behind(index, *statements):
    """Change the catalog of a closed index as no store would."""
    with sqlite3.connect(index / "catalog.sqlite") as connection:
        for statement in statements:
            connection.execute(*statement)
    connection.close()


def emptied(index):
    """Take the metadata away, so that only a kept column can still know them."""
    change_behind(index, ("UPDATE documents SET metadata = '{}'",))


def test_a_reopened_index_answers_from_the_column_it_kept(index):
    emptied(index)
    store = opened(index)
    asked = [
        F("year") == 2020,
        F("year") == "2020",
        F("year").is_in([True]),
        F("year") >= 10**599,
        F("year").contains("x"),
        F("year").exists(),
    ]
    assert [store.count(one) for one in asked] == [6, 2, 2, 2, 2, 16]
    store.close()


@pytest.mark.parametrize("column", ["codes", "entries", "digest"])
def test_a_damaged_column_is_read_anew_and_kept_anew(index, column):
    change_behind(index, (f"UPDATE columns SET {column} = substr({column}, 2)",))
    for _ in range(2):
        store = opened(index)
        assert store.count(F("year") == 2020) == 6
        store.close()
    emptied(index)
    store = opened(index)
    assert store.count(F("year") == 2020) == 6
    store.close()


def test_a_column_changed_in_place_is_not_believed(index):
    change_behind(index, ("UPDATE columns SET codes = zeroblob(length(codes)) WHERE key != ''",))
    store = opened(index)
    assert store.count(F("year") == 2020) == 6
    store.close()


def test_a_killed_process_leaves_no_column_of_an_older_state(index, tmp_path):
    store = opened(index)
    store.write(batch_of([Document("new", "text", {"year": 2020})]))
    # What a kill now would leave: the files as they are.
    shutil.copytree(index, tmp_path / "killed")
    store.settle()
    shutil.copytree(index, tmp_path / "settled")
    store.close()
    for name in ("killed", "settled"):
        store = opened(tmp_path / name)
        assert store.count(F("year") == 2020) == 8
        store.close()
    emptied(tmp_path / "settled")
    store = opened(tmp_path / "settled")
    assert store.count(F("year") == 2020) == 8
    store.close()


def test_a_column_that_is_kept_and_was_not_asked_follows_a_write(index):
    store = opened(index)
    store.write(batch_of([Document("new", "text", {"year": 2020})]))
    store.delete(["d1"])
    store.close()
    emptied(index)
    store = opened(index)
    assert store.count(F("year") == 2020) == 6
    assert store.count(F("year") == 2019) == 2
    store.close()


def test_a_chunk_that_keeps_its_row_takes_new_metadata(index):
    store = opened(index)
    assert store.count(F("year") == 2019) == 2
    batch = batch_of([Document("d0", "text 0", {"year": 2020})])
    row = store.document_rows(["d0"])[0]
    kept = Batch(batch.items, ["2"], {}, row)
    store.write(kept)
    assert store.document_rows(["d0"])[0].tolist() == row.tolist()
    assert (store.count(F("year") == 2019), store.count(F("year") == 2020)) == (0, 8)
    store.close()


def test_ids_and_a_key_no_document_has_are_kept_as_well(index):
    store = opened(index)
    asked = [~F("gone").exists(), F("doc_id") == "d1", F("doc_id") > "d7"]
    answers = [store.count(one) for one in asked]
    assert answers == [20, 2, 4]
    store.close()
    change_behind(index, ("UPDATE documents SET id = 'x' || id, metadata = '{\"gone\": 1}'",))
    store = opened(index)
    assert [store.count(one) for one in asked] == answers
    store.close()


def test_metadata_of_a_chunk_of_its_own(tmp_path):
    """What a chunker put into one chunk counts for that chunk, before and after reopening."""
    store = opened(tmp_path / "index")
    store.write(batch_of([Document("d", "text", {"page": 0})]))
    assert store.count((F("page") == 0) | (F("at.7") == 1)) == 2
    batch = batch_of([Document("e", "text", {"page": 0})])
    chunk = batch.items[0][1][1]
    object.__setattr__(chunk, "metadata", {"page": (1, 2), "at": {7: 1}, "part": 5})
    store.write(batch)
    for _ in range(2):
        asked = [F("page") == 0, F("page") == 2, F("at.7") == 1, F("part") == 5]
        assert [store.count(one) for one in asked] == [3, 1, 1, 1]
        store.close()
        store = opened(tmp_path / "index")
    store.close()


DOCUMENTS = st.dictionaries(st.sampled_from("abcdef"), KEPT_METADATA, max_size=4)
STEPS = st.one_of(
    DOCUMENTS,
    st.lists(st.sampled_from("abcdef"), max_size=3),
    st.sampled_from(["reopen", "settle"]),
    FILTERS,
)


@pytest.mark.parametrize("kind", ["local", "memory"])
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, max_size=12), st.lists(FILTERS, min_size=1, max_size=3))
def test_whatever_is_written_a_filter_finds_what_the_evaluator_does(
    tmp_path_factory, kind, steps, filters
):
    path = tmp_path_factory.mktemp("any") / "index" if kind == "local" else None
    store, known = opened(path), {}

    def check(one):
        rows = np.concatenate([*store.scan(), np.empty(0, np.int64)])
        chunks = store.get(rows)
        assert {chunk.doc_id for chunk in chunks} == set(known)
        wanted = [c.doc_id for c in chunks if matches(one, known[c.doc_id], c.doc_id)]
        query = np.ones((1, 4), np.float32)
        among = store.search("dense", query, len(rows) + 1, one)[0].rows
        assert sorted(c.doc_id for c in store.get(among)) == sorted(wanted)
        assert store.count(one) == len(wanted)

    for step in [*steps, "reopen"]:
        if isinstance(step, dict):
            store.write(batch_of([Document(n, f"{n} two", m) for n, m in step.items()]))
            known |= step
        elif isinstance(step, list):
            store.delete(step)
            known = {name: one for name, one in known.items() if name not in step}
        elif step == "reopen" and kind == "memory":
            continue
        elif step == "reopen":
            store.close()
            store = opened(path)
        elif step == "settle":
            store.settle()
        else:
            check(step)
    for one in filters:
        check(one)
    store.close()
