"""What a service does wrong: tried again, or told with the way out; never a vector too few."""

import json
import time

import numpy as np
import pytest
from answering_server import Answer, Script, serving

from retrievo.errors import EncoderError

services = pytest.importorskip("retrievo.encode.remote.services", reason="needs the extra 'remote'")

KEY = "sk-very-secret-0123456789"
ONE, TWO = [1.0, 0.0, 0.0], [0.0, 0.6, 0.8]


def items(*rows, **more):
    return {"data": [{"index": i, "embedding": row} for i, row in enumerate(rows)], **more}


def good(*rows):
    return Answer(body=items(*(rows or (ONE, TWO))))


@pytest.fixture
def talk():
    """Texts encoded by a service that gives these answers: the vectors, and what was asked."""
    opened = []

    def encode(*answers, texts=("one", "two"), **arguments):
        script = Script(*answers)
        with serving(script) as url:
            settings = {
                "model": "m", "base_url": url, "api_key": KEY, "dim": 3, "cache": "off",
                "backoff_s": 0.001, "encoding": "float", "concurrency": 1,
            }  # fmt: skip
            encoder = services.openai(**{**settings, **arguments})
            opened.append(encoder)
            try:
                return encoder.encode_document(list(texts)), script.seen
            except EncoderError as error:
                assert KEY not in f"{error!r} {error.__cause__!r}", "the key is shown"
                error.seen = script.seen
                raise

    yield encode
    for encoder in opened:
        encoder.close()


@pytest.mark.parametrize("status", [408, 424, 429, 500, 502, 503, 504, 529])
def test_what_passes_is_tried_again(talk, status):
    vectors, seen = talk(Answer(status), Answer(status, b"<html>busy</html>"), good())
    assert np.allclose(vectors, [ONE, TWO]) and len(seen) == 3


def test_retry_after_is_waited_for(talk):
    begun = time.monotonic()
    talk(Answer(429, headers={"Retry-After": "0.3"}), good(), backoff_s=0)
    assert time.monotonic() - begun >= 0.3


def test_a_wait_beyond_the_deadline_ends_at_once(talk):
    with pytest.raises(EncoderError, match=r"429.*asks to wait 3600 s.*1 tries") as told:
        talk(Answer(429, headers={"Retry-After": "3600"}), deadline_s=2)
    assert told.value.texts == () and len(told.value.seen) == 1


def test_an_outage_blames_no_text_and_says_what_to_do(talk):
    busy = Answer(503, {"error": {"message": "try later"}})
    with pytest.raises(EncoderError, match=r"503: try later.*3 tries.*raise retries") as told:
        talk(busy, retries=2)
    assert told.value.texts == () and len(told.value.seen) == 3


def test_nobody_there():
    encoder = services.ollama(
        "m", base_url="http://127.0.0.1:9", dim=3, retries=1, backoff_s=0, cache="off"
    )
    with pytest.raises(
        EncoderError, match=r"ollama at http://127.0.0.1:9 cannot be reached"
    ) as told:
        encoder.encode_query(["one"])
    assert told.value.texts == ()


CUT = json.dumps(items(ONE, TWO)).encode()[:-9]


@pytest.mark.parametrize(
    "broken",
    [
        Answer(body=CUT),
        Answer(body=CUT, headers={"Content-Length": "5000"}),
        Answer(drop=True),
        Answer(body=b"not gzip", headers={"Content-Encoding": "gzip"}),
    ],
    ids=["truncated JSON", "closed in the middle", "closed before", "not unpacked"],
)
def test_a_broken_answer_is_asked_for_again(talk, broken):
    vectors, seen = talk(broken, good())
    assert np.allclose(vectors, [ONE, TWO]) and len(seen) == 2
    with pytest.raises(EncoderError, match="given up after 2 tries"):
        talk(broken, retries=1)


def test_a_slow_answer_is_given_up(talk):
    vectors, _ = talk(Answer(hang=5), good(), timeout_s=0.1)
    assert np.allclose(vectors, [ONE, TWO])
    with pytest.raises(EncoderError, match=r"did not answer within 0\.1 s.*2 tries"):
        talk(Answer(hang=5), timeout_s=0.1, retries=1)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (items(ONE), "1 vectors for 2 texts"),
        (items(ONE, TWO, ONE), "3 vectors for 2 texts"),
        (items(ONE, [1.0, 2.0]), "2 and of 3 numbers at once"),
        (items([1.0] * 4, [2.0] * 4), "vectors of 4 numbers, 3 are wanted"),
        ({"data": [{"index": 1, "embedding": ONE}] * 2}, "index 1 twice"),
        ({"data": [{"index": i, "embedding": ONE} for i in (1, 2)]}, r"0 to 1 is wanted"),
        ({"data": [{"index": 0, "embedding": ONE}, {"embedding": TWO}]}, "0 to 1 is wanted"),
        (items(ONE, ["0.1", "0.2", "0.3"]), "no list of vectors of this format"),
        (items(ONE, [True, False, True]), "no list of vectors of this format"),
        (items(ONE, "???"), "no base64"),
        (items(ONE, "AAAA"), "3 bytes as a vector"),
        ({"embeddings": [ONE, TWO]}, "no list of vectors of this format"),
        (b"<html>welcome</html>", "no list of vectors of this format"),
    ],
)
def test_an_answer_that_is_not_the_texts_is_no_answer(talk, body, said):
    with pytest.raises(EncoderError, match=said) as told:
        talk(Answer(body=body))
    assert told.value.texts == () and len(told.value.seen) == 1


def test_the_index_says_which_vector_is_whose(talk):
    data = [{"index": 1, "embedding": TWO}, {"index": 0, "embedding": ONE}]
    assert np.allclose(talk(Answer(body={"data": data}))[0], [ONE, TWO])


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ([1.0, float("nan"), 0.0], "NaN"),
        ([1.0, float("inf"), 0.0], "infinity"),
        ([1.0, None, 0.0], "NaN"),  # how Rust writes it
        ([1e300, 0.0, 0.0], "infinity"),
        ([0.0, 0.0, 0.0], "zero"),
    ],
)
def test_a_vector_of_no_use_is_the_matter_of_its_text(talk, row, said):
    texts = ["", "one", "two", "two", "three"]
    with pytest.raises(EncoderError, match=said) as told:
        talk(Answer(body=items(ONE, row, TWO)), texts=texts)
    assert told.value.texts == (2, 3)


def test_nothing_but_nan_is_the_services_fault(talk):
    with pytest.raises(EncoderError, match="no vector that is of use") as told:
        talk(Answer(body=items([None] * 3, [None] * 3)))
    assert told.value.texts == ()


def test_an_answer_without_end_is_thrown_away(talk):
    with pytest.raises(EncoderError, match=r"more than 1,0.* bytes"):
        talk(Answer(body=b" " * 3_000_000))


def test_a_refused_key_is_not_shown(talk):
    with pytest.raises(EncoderError, match=r"401: its api key is refused; set api_key") as told:
        talk(Answer(401, {"error": {"message": f"Incorrect API key provided: {KEY}"}}))
    assert told.value.texts == () and len(told.value.seen) == 1
    with pytest.raises(EncoderError, match=r"500: no way with \*\*\*"):
        talk(Answer(500, {"error": {"message": f"no way with {KEY}"}}), retries=0)


def test_an_account_without_money_is_not_asked_again(talk):
    empty = {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}
    with pytest.raises(EncoderError, match="429: You exceeded your quota") as told:
        talk(Answer(429, empty))
    assert len(told.value.seen) == 1


def test_a_redirect_is_not_followed(talk):
    other = Script(good())
    with serving(other) as elsewhere, pytest.raises(EncoderError, match="redirect, which is not"):
        talk(Answer(307, headers={"Location": f"{elsewhere}/embeddings"}))
    assert other.seen == [], "the key went to another address"


def test_an_unknown_model_is_told(talk):
    told = {"error": {"message": "The model `m` does not exist", "code": "model_not_found"}}
    with pytest.raises(EncoderError, match=r"404: The model `m` does not exist; see model"):
        talk(Answer(404, told))


def test_a_failure_ends_the_other_requests(talk):
    answers = [Answer(401), Answer(429, headers={"Retry-After": "60"})]
    with pytest.raises(EncoderError, match="401") as told:
        talk(*answers, texts=[f"text {i}" for i in range(9)], concurrency=3, batch_items=1)
    assert len(told.value.seen) <= 3, "it went on asking"
