"""What is sent to the server means what the filter means, as qdrant-client itself evaluates it."""

import json
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

pytest.importorskip("qdrant_client", reason="needs the extra 'qdrant'")

from filter_strategies import FILTERS, METADATA
from hypothesis import assume, example, given, settings
from qdrant_client.local.payload_filters import check_filter

from retrievo.errors import DocumentError
from retrievo.filters import F, matches
from retrievo.metadata import plain_metadata
from retrievo.store.qdrant.conditions import conditions_of, visible
from retrievo.store.qdrant.points import LIVE, STATE, chunk_of, chunk_payload
from retrievo.store.qdrant.shadow import FARTHEST, field_name, shadow_of
from retrievo.types import Chunk

EDGE = datetime.max.replace(tzinfo=timezone(-timedelta(hours=5)))


def holds(said, metadata, doc_id):
    if isinstance(said.condition, bool):
        return said.condition
    payload = {STATE: LIVE, **json.loads(json.dumps(shadow_of(metadata, doc_id)))}
    return check_filter(visible(None, said.condition), payload, 1, {})


def check(wanted, metadata, doc_id="d1"):
    right = matches(wanted, metadata, doc_id)
    above, below = conditions_of(wanted), conditions_of(wanted, above=False)
    assert holds(above, metadata, doc_id) >= right, "a match is lost"
    assert holds(below, metadata, doc_id) <= right, "what does not match is taken for certain"
    if above.exact:
        assert holds(above, metadata, doc_id) == right
    return above.exact


@given(FILTERS, METADATA)
@settings(max_examples=500, deadline=None)
@example(F("a") > 2**53, {"a": 2**53 + 1})
@example(F("a") >= 2**53 + 1, {"a": [2**53 + 1, 5]})
@example(F("a") < 1e308, {"a": 10**400})
@example(F("a") == date(2020, 1, 1), {"a": "2020-01-01T02:00+02:00"})
@example(F("a") < EDGE, {"a": "9999-12-31T23:00-04:00"})
@example(~(F("a") == None), {"a": [None]})  # noqa: E711
@example(~F("a.b").exists(), {"a": {"b": None}, "a.b": 1})
@example(F("doc_id") == "d1", {"doc_id": "another"})
def test_no_filter_means_anything_else_at_the_server(wanted, metadata):
    try:
        metadata = plain_metadata(metadata, "d1")
    except DocumentError:
        assume(False)
    check(wanted, metadata)


@pytest.mark.parametrize(
    "wanted",
    [
        F("year") == 2020,
        F("year") != "2020",
        (F("year") >= 2019.5) & (F("year") < 2021),
        F("open") == True,  # noqa: E712
        F("day") >= date(2020, 5, 1),
        F("day") == datetime(2020, 5, 1, tzinfo=UTC),
        F("lang").is_in(["en", None, 3]),
        ~F("tags").exists() | (F("doc_id") == "d1"),
        F("tags").contains(5),
    ],
    ids=str,
)
def test_the_server_decides_alone(wanted):
    metadata = {"year": [2020, 5.0], "open": True, "day": "2020-05-01", "tags": ["x", 5]}
    assert check(wanted, metadata)


@pytest.mark.parametrize(
    "wanted",
    [
        F("name").contains("b"),
        F("name") > "m",
        ~(F("name") <= "abc"),
        F("n") >= 2**53 + 1,
        F("n") < FARTHEST,
        F("day") < EDGE,
    ],
    ids=str,
)
def test_what_a_server_cannot_say_is_bounded(wanted):
    assert not check(wanted, {"name": ["abc", "z"], "n": [2**53 + 1, 1], "day": "2020-05-01"})
    assert not check(wanted, {"name": "zab", "n": -1.5, "day": "soon"})


def test_a_filter_deeper_than_a_server_reads_is_decided_here():
    deep = F("a") == 1
    for _ in range(40):
        deep = ~(deep & (F("b") != 2))
    assert not check(deep, {"a": 1})


def test_keys_of_any_kind_are_one_step_of_a_path():
    names = ["a", "a.b", "a-b", "a b", "ä", "", "[]", '"', "x" * 500, "\ud800", "-61", "a_b"]
    fields = [field_name(name) for name in names]
    assert len(set(fields)) == len(names)
    assert all((f and f.isascii() and f.replace("-", "").replace("_", "").isalnum()) or not f
               for f in fields)  # fmt: skip


def test_a_payload_gives_the_chunk_back():
    chunk = Chunk(
        "d1",
        "text \x00 \ud800",
        3,
        9,
        token_count=4,
        metadata={"big": 10**300, "f": 0.1, "s": "\udfff", "n": None, "t": True, "k": {"": [1.0]}},
        context="\x00json:looks like ours",
        parent=(0, 90),
        id="an id of \ud800 its own",
    )
    payload = json.loads(json.dumps(chunk_payload(chunk, "acme", 7)).encode())
    back = chunk_of(payload)
    assert back == chunk and json.dumps(dict(back.metadata)) == json.dumps(dict(chunk.metadata))
    assert payload["tenant"] == "acme"
    json.dumps(payload, ensure_ascii=False).encode()  # raises where a server could not read it
