"""What goes wrong between client and server, through the real client and a real socket."""

import socket

import pytest

pytest.importorskip("qdrant_client", reason="needs the extra 'qdrant'")

from answering_server import VERSION, Answer, Script, refused, result, serving

from retrievo.errors import ConfigError, IndexMissingError, MismatchError, StoreError
from retrievo.store.qdrant import sending
from retrievo.store.qdrant.store import QdrantStore

SECRET = "s3cret-key"


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr(sending, "FIRST_WAIT_S", 0.01)


def opening(*answers, retries=2, **settings):
    """What opening a store says and what it asked, against these answers."""
    script = Script(*answers)
    with serving(script) as url:
        store = QdrantStore("docs", url=url, retries=retries, api_key=SECRET, **settings)
        assert script.seen == [], "nothing is asked before open()"
        with pytest.raises(StoreError) as raised:
            store.open(None)
    said = str(raised.value)
    assert (url in said and "'docs'" in said) or "qdrant at" in said
    cause = raised.value
    while cause is not None:
        assert SECRET not in str(cause) + repr(cause)
        cause = cause.__cause__
    return raised.value, script.seen


def test_a_collection_that_is_missing():
    error, seen = opening(VERSION, result({"exists": False}))
    assert isinstance(error, IndexMissingError)
    assert "no collection 'docs'" in str(error) and "pipeline.index" in str(error)
    assert [path for _, path, _, _ in seen] == ["/", "/collections/docs/exists"]
    assert all(headers["api-key"] == SECRET for _, _, headers, _ in seen)


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_is_not_tried_again(status):
    error, seen = opening(VERSION, refused(status, "Must provide an API key"))
    assert f"({status})" in str(error) and "QDRANT_API_KEY" in str(error)
    assert len(seen) == 2


def test_a_server_that_is_out_of_reach():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    store = QdrantStore("docs", url=f"http://127.0.0.1:{port}", retries=1)
    with pytest.raises(StoreError, match=rf"127.0.0.1:{port}.*cannot be reached.*url in \[store\]"):
        store.open(None)
    with pytest.raises(StoreError, match="cannot be reached"):
        store.exists()


def test_a_server_that_is_out_of_reach_by_grpc():
    script = Script(VERSION)
    with serving(script) as url, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        store = QdrantStore(
            "docs", url=url, prefer_grpc=True, grpc_port=port, retries=1, api_key=SECRET
        )
        with pytest.raises(StoreError, match="cannot be reached") as raised:
            store.open(None)
    assert SECRET not in str(raised.value)


def test_a_server_that_does_not_answer():
    error, seen = opening(Answer(hang=30), retries=1, timeout_s=1)
    assert "no answer within 1 s" in str(error) and "timeout_s" in str(error)
    assert len(seen) == 2


def test_a_connection_that_breaks_is_made_again():
    error, seen = opening(Answer(drop=True), VERSION, result({"exists": False}))
    assert isinstance(error, IndexMissingError) and len(seen) == 3


def test_a_busy_server_is_asked_again_when_it_says(monkeypatch):
    slept = []
    monkeypatch.setattr(sending.time, "sleep", slept.append)
    busy = refused(429, "rate limit", **{"Retry-After": "7"})
    error, seen = opening(busy, VERSION, result({"exists": False}))
    assert isinstance(error, IndexMissingError)
    assert slept == [7.0] and len(seen) == 3


def test_a_server_that_asks_for_too_much_patience_is_not_waited_for():
    error, seen = opening(refused(429, "come back tomorrow", **{"Retry-After": "86400"}))
    assert "rate limit" in str(error) and "come back tomorrow" in str(error)
    assert len(seen) == 1


def test_a_header_that_is_no_number_is_an_error_of_ours():
    error, _ = opening(refused(429, "later", **{"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}))
    assert "Retry-After" in str(error)


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_what_may_pass_is_tried_as_often_as_allowed(status):
    error, seen = opening(refused(status, "not now"), retries=3)
    assert len(seen) == 4
    assert "not now" in str(error) and (str(status) in str(error) or status in (429, 503))


def test_waits_grow_and_are_bounded(monkeypatch):
    slept = []
    monkeypatch.setattr(sending.time, "sleep", slept.append)
    monkeypatch.setattr(sending, "FIRST_WAIT_S", 1.0)
    opening(refused(500, "no"), retries=8)
    top = [min(2.0**i, sending.LONGEST_WAIT_S) for i in range(8)]
    assert all(t / 2 <= wait <= t for wait, t in zip(slept, top, strict=True))
    assert slept != top, "workers that failed together would come back together"


@pytest.mark.parametrize(
    ("body", "status"), [(b"<html>hello</html>", 200), (b"\xff\xfe", 200), ({"a": 1}, 200)]
)
def test_an_answer_that_is_no_qdrant_server_s(body, status):
    error, seen = opening(Answer(status, body))
    assert "not one of a Qdrant server" in str(error) and "url in [store]" in str(error)
    assert len(seen) == 1


def test_another_kind_of_server():
    error, _ = opening(Answer(body={"title": "elsewhere", "version": "9.0"}))
    assert "'elsewhere'" in str(error)


def test_a_server_that_is_too_old():
    error, _ = opening(Answer(body={"title": "qdrant", "version": "1.9.2"}))
    assert "version 1.9.2" in str(error) and "1.16 or later" in str(error)


def test_a_server_that_is_too_old_for_a_setting():
    error, _ = opening(Answer(body={"title": "qdrant", "version": "1.18.3"}), exact_idf=True)
    assert "1.19 or later is wanted for exact_idf" in str(error)


def test_a_request_that_is_too_large():
    error, _ = opening(VERSION, refused(413, "payload too large"))
    assert "batch_bytes" in str(error) and "max_request_size_mb" in str(error)


def test_a_collection_of_somebody_else():
    error, _ = opening(VERSION, result({"exists": True}), result(INFO))
    assert "is no Retrievo index" in str(error) and "another `collection`" in str(error)


def test_a_collection_of_another_format():
    config = {**INFO["config"], "metadata": {"retrievo_format": 99, "retrievo_passport": "{}"}}
    error, _ = opening(VERSION, result({"exists": True}), result({**INFO, "config": config}))
    assert isinstance(error, MismatchError) and "format 99" in str(error)


@pytest.mark.parametrize(
    "url",
    ["http://me:hunter2@host", "https://host?api_key=hunter2", "host:6333", "ftp://host", ""],
)
def test_addresses_that_a_client_would_misread(url):
    with pytest.raises(ConfigError) as raised:
        QdrantStore("docs", url=url)
    assert "hunter2" not in str(raised.value)


def test_the_key_is_nowhere_to_be_seen(monkeypatch):
    monkeypatch.setenv("QDRANT_API_KEY", SECRET)
    store = QdrantStore("docs", url="https://example.invalid/prefix/")
    told = repr(store) + str(store.path) + repr(store._settings)
    assert SECRET not in told and "https://example.invalid:6333/prefix" in told
    assert store._settings.api_key == SECRET


INFO = {
    "status": "green",
    "optimizer_status": "ok",
    "segments_count": 1,
    "payload_schema": {},
    "config": {
        "params": {"vectors": {}},
        "hnsw_config": {"m": 16, "ef_construct": 100, "full_scan_threshold": 10000},
        "optimizer_config": {
            "deleted_threshold": 0.2,
            "vacuum_min_vector_number": 1000,
            "default_segment_number": 0,
            "flush_interval_sec": 5,
        },
    },
}
