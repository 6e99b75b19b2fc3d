"""Blurbs of a chat service on loopback: what is asked, kept, paid, and what goes wrong."""

import json
import re
import threading

import pytest
from answering_server import Answer
from chat_server import Chat, blurbs, chunker, chunks_of, documents, passage, written

from retrievo import Document, Pipeline
from retrievo.contextualize.estimate import Estimate
from retrievo.errors import ConfigError, RetrievoWarning

pytest.importorskip("httpx", reason="needs the extra 'remote'")

WORDS = ("Keys", "Doors", "Bread")
GOT_NONE = "3 of 3 chunks of the documents concerned got no blurb"


def contexts(contextualizer, document):
    made = contextualizer.contextualize(document, chunks_of(document))
    return [chunk.context for chunk in made]


def test_each_chunk_gets_its_blurb_behind_its_own_context():
    chat = Chat()
    with blurbs(chat) as contextualizer:
        assert contexts(contextualizer, *documents("d")) == [f"d\nquokka {word}" for word in WORDS]
        assert not contextualizer.incomplete
        assert contextualizer.used == Estimate(3, 0, 300, 21)
    body = chat.bodies[0]
    assert {key: body[key] for key in ("model", "max_tokens", "temperature")} == {
        "model": "tiny", "max_tokens": 100, "temperature": 0.0,
    }  # fmt: skip
    asked = [one["messages"][1]["content"] for one in chat.bodies]
    head = "Title: d\n\n<document>\nKeys are rotated. Doors are locked. Bread is baked."
    # What is the same for all chunks comes first: a server reads it once.
    assert all(one.startswith(head) for one in asked)
    assert len({one.partition("<passage>")[0] for one in asked}) == 1
    assert [passage(one) for one in chat.bodies] == [
        "Keys are rotated.", "Doors are locked.", "Bread is baked.",
    ]  # fmt: skip


def test_a_document_of_one_chunk_is_not_asked_about():
    chat = Chat()
    with blurbs(chat) as contextualizer:
        for text in ("Keys are rotated.", "", "  \n"):
            given = Document("d", text, {}, "T")
            assert contextualizer.contextualize(given, chunks_of(given)) == chunks_of(given)
            assert contextualizer.plan(given, chunks_of(given))[1] == Estimate()
    assert chat.bodies == []


@pytest.mark.parametrize(
    ("more", "sent", "absent"),
    [
        ({"fields": {"top_p": 0.5, "max_tokens": 9}}, {"top_p": 0.5, "max_tokens": 9}, []),
        ({"fields": {"max_completion_tokens": 9}}, {"max_completion_tokens": 9}, ["max_tokens"]),
        ({"leave_out": ["temperature"]}, {"max_tokens": 100}, ["temperature"]),
    ],
)
def test_what_a_request_holds(more, sent, absent):
    chat = Chat()
    with blurbs(chat, **more) as contextualizer:
        contexts(contextualizer, *documents("d"))
    assert sent.items() <= chat.bodies[0].items()
    assert not set(absent) & chat.bodies[0].keys()


def test_of_a_long_document_the_beginning_and_what_is_around_the_chunk_are_shown():
    text = " ".join(f"Line {i} of a very long text." for i in range(400))
    given = Document("d", text, {}, "T")
    chunks = chunks_of(given)
    chat = Chat()
    with blurbs(chat, document_tokens=256) as contextualizer:
        with pytest.warns(RetrievoWarning, match="more than 256 tokens are shown .* in part"):
            contextualizer.contextualize(given, [chunks[0], chunks[200], chunks[-1]])
    shown = [
        body["messages"][1]["content"].split("<document>\n")[1].split("\n</document>")[0]
        for body in chat.bodies
    ]
    assert all(one.startswith("Line 0 of a very long text. Line 1 ") for one in shown)
    for one, chunk in zip(shown, (chunks[0], chunks[200], chunks[-1]), strict=True):
        assert chunk.text in one and 600 < len(one) < 1_000
        assert all(part in text for part in one.split("\n[…]\n"))
    assert [one.count("[…]") for one in shown] == [1, 2, 1]
    assert shown[2].endswith(text[-50:])


def test_a_blurb_is_paid_for_once(tmp_path):
    chat, keep = Chat(), tmp_path / "blurbs.sqlite"
    first, second = documents("a", "b")
    with blurbs(chat, cache=keep) as contextualizer:
        before = contexts(contextualizer, first)
    with (
        blurbs(chat, cache=str(keep), base_url=None)
        if False
        else blurbs(chat, cache=str(keep)) as contextualizer
    ):
        assert contexts(contextualizer, first) == before
        assert len(chat.bodies) == 3
        plan = contextualizer.plan(first, chunks_of(first))
        assert plan[1].calls == 0 and plan[1].cached == 3
        assert [chunk.context for chunk in plan[0]] == before
        # Another title, text, model or prompt is another question.
        contexts(contextualizer, second)
        assert len(chat.bodies) == 6
    for more in ({"instructions": "Be brief."}, {"fields": {"seed": 1}}):
        with blurbs(chat, cache=keep, **more) as contextualizer:
            assert contextualizer.estimate([(first, chunks_of(first))]).calls == 3


def test_an_estimate_counts_what_is_sent():
    chat = Chat()
    prices = {"input": 2.0, "output": 10.0}
    with blurbs(chat, price_per_million=prices, blurb_tokens=50) as contextualizer:
        items = [(one, chunks_of(one)) for one in documents("a", "b")]
        found = contextualizer.estimate(items)
        assert (found.calls, found.cached, found.output_tokens) == (6, 0, 300)
        assert found.cost == pytest.approx(found.input_tokens * 2e-6 + 300 * 1e-5)
        assert chat.bodies == []
        for one, _ in items:
            contexts(contextualizer, one)
        words = sum(
            len(message["content"].split()) for body in chat.bodies for message in body["messages"]
        )
        assert words < found.input_tokens < 3 * words
        assert contextualizer.used.cost == pytest.approx(600 * 2e-6 + 42 * 1e-5)
    assert str(Estimate(2, 1, 3_000, 200, 0.5)) == (
        "2 calls of a model (about 3,000 tokens in, at most 200 out, at most about 0.5 at these "
        "prices), 1 more kept from before"
    )


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ({"max_calls": 5}, "takes 6 calls .*; max_calls is 5: raise it"),
        (
            {"max_cost": 0.001, "price_per_million": {"input": 1, "output": 1}},
            "takes 6 calls .*; max_cost is 0.001: raise it",
        ),
    ],
)
def test_a_run_that_would_cost_too_much_is_refused_before_anything_is_sent(limit, said):
    chat = Chat()
    with blurbs(chat, **limit) as contextualizer:
        with Pipeline(chunker=chunker(), contextualizer=contextualizer) as pipeline:
            given = documents("a", "b")
            with pytest.raises(ConfigError, match=said):
                pipeline.index(given)
            assert chat.bodies == [] and pipeline.store.count() == 0
            plan = pipeline.plan(given)
            assert plan.contexts.calls == 6 and "max_" in plan.warnings[0]
            assert "contexts: 6 calls of a model" in str(plan)
            assert plan.as_dict()["contexts"]["calls"] == 6
            pipeline.index(given[:1])
            assert len(chat.bodies) == 3
            # What is there is not counted; an iterator is stopped on its way.
            pipeline.index(given)
            with pytest.raises(ConfigError, match="max_"):
                pipeline.index(iter(documents("c", "d")))
            assert len(chat.bodies) in (9, 12)


def test_a_chunk_without_a_blurb_keeps_its_context_and_is_tried_again():
    down = {"Doors": True}

    def fail(body):
        if any(passage(body).startswith(word) and is_down for word, is_down in down.items()):
            return Answer(503, {"error": {"message": "overloaded"}})
        return None

    chat = Chat(fail=fail)
    with blurbs(chat) as contextualizer:
        with Pipeline(chunker=chunker(), contextualizer=contextualizer) as pipeline:
            given = documents("a", "b")
            report = pipeline.index(given)
            assert report.added == 2 and report.failed == 0
            assert any(one.startswith("2 of 6 chunks") for one in report.warnings)
            assert any("503: overloaded" in one for one in report.warnings)
            found = {h.text: h.chunk.context for h in pipeline.search("quokka", top_k=9)}
            assert found["Doors are locked."] in ("a", "b")
            # Without a cache the documents are asked for anew, whole.
            down.clear()
            again = pipeline.index(given)
            assert (again.updated, again.kept, again.chunks_written) == (2, 0, 2)
            assert pipeline.index(given).kept == 2
            found = {h.text: h.chunk.context for h in pipeline.search("quokka", top_k=9)}
            assert found["Doors are locked."].endswith("quokka Doors")


def test_a_service_that_is_not_there_is_asked_three_times_a_run():
    chat = Chat(fail=lambda body: Answer(500, {"error": {"message": "no"}}))
    with blurbs(chat) as contextualizer:
        with Pipeline(chunker=chunker(), contextualizer=contextualizer) as pipeline:
            report = pipeline.index(documents("a", "b", "c", "d"))
            assert len(chat.bodies) == 3 and report.added == 4
            assert report.warnings[0].startswith("12 of 12 chunks")
            pipeline.index(documents("a", "b", "c", "d"))
            assert len(chat.bodies) == 6
            chat.fail = lambda body: None
            assert pipeline.index(documents("a", "b", "c", "d")).updated == 4


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(body=b"{"), "no whole JSON"),
        (Answer(body=b"<html>hello</html>"), "no chat completion of this format"),
        (Answer(body={"choices": []}), "no chat completion of this format .choices"),
        (Answer(body={"choices": [{"message": {"content": 5}}]}), "no chat completion"),
        (Answer(body={"choices": [{"message": {"content": None}}]}), "answered nothing of use"),
        (written(" \n\t\x00 "), "answered nothing of use"),
        (written("<think>I should"), "answered nothing of use"),
        (Answer(400, {"error": {"message": "content filter"}}), "refused a request .400: content"),
        (Answer(404, {"error": {"message": "no model"}}), r"see model and base_url in \[context"),
        (Answer(302, {}, {"Location": "http://127.0.0.1:9/"}), "a redirect"),
        (Answer(drop=True), "cannot be reached"),
        (Answer(hang=5.0), "did not answer within 0.2 s"),
        (Answer(body=b"x" * 1_100_000), "sent more than 1,048,576 bytes"),
    ],
)
def test_answers_that_are_none(answer, said):
    chat = Chat(fail=lambda body: answer)
    given = documents("d")[0]
    with blurbs(chat, timeout_s=0.2, concurrency=3) as contextualizer:
        with pytest.warns(RetrievoWarning) as told:
            assert contexts(contextualizer, given) == ["d"] * 3
        assert contextualizer.incomplete
    messages = [str(one.message) for one in told]
    assert any(GOT_NONE in one for one in messages)
    assert any(re.search(said, one) for one in messages), messages


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (" Two\nlines.\r\n\r\nOf text. ", "Two lines. Of text."),
        ("<think>hm\nhm</think>\n\nIt is about keys.", "It is about keys."),
        ('"Quoted."', "Quoted."),
        ("bell\x07 and \u202eturned\u202c and\u200b joined", "bell and turned and joined"),
        ("word " * 500, " ".join(["word"] * 100)),
    ],
)
def test_an_answer_is_one_bounded_line(text, kept):
    chat = Chat(fail=lambda body: written(text))
    with blurbs(chat) as contextualizer:
        found = contexts(contextualizer, documents("d")[0])[0].removeprefix("d\n")
    assert found == kept or (kept.startswith("word") and 90 <= len(found.split()) <= 100)


def test_a_blurb_gives_way_to_the_text():
    encoder = Pipeline.part("encoder", "static", truncate_dim=64)

    class Narrow:
        max_tokens, special_tokens = 14, 2
        token_spans = staticmethod(encoder.token_spans)

    chat = Chat(fail=lambda body: written("A sentence that is much longer than there is room for."))
    with blurbs(chat, encoder=Narrow()) as contextualizer:
        given = documents("d")[0]
        with pytest.warns(RetrievoWarning, match="3 of 3 chunks .* want of room"):
            made = contextualizer.contextualize(given, chunks_of(given))
    for chunk in made:
        assert chunk.context.startswith("d\nA")
        assert len(encoder.token_spans(chunk.indexed_text)) <= 12


def test_requests_go_at_once_after_the_first():
    lock, now, most = threading.Lock(), [0], [0]
    meet = threading.Barrier(2)

    class Slow(Chat):
        def next(self):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
                first = len(self.bodies) == 1
            if not first:
                meet.wait(5)  # two must be under way together, or this breaks
            with lock:
                now[0] -= 1
            return written("quokka")

    with blurbs(Slow(), concurrency=2) as contextualizer:
        assert contexts(contextualizer, documents("d")[0]) == ["d\nquokka"] * 3
    assert most[0] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"model": ""}, "name of a model"),
        ({"document_tokens": 10}, "document_tokens is 10"),
        ({"blurb_tokens": 0}, "blurb_tokens is 0"),
        ({"concurrency": 0}, "concurrency is 0"),
        ({"max_calls": -1}, "max_calls is -1"),
        ({"max_cost": 1.0}, "max_cost wants price_per_million"),
        ({"price_per_million": {"input": 1.0}}, "input = 0.15, output"),
        ({"price_per_million": {"input": -1.0, "output": 1.0}}, "input = 0.15, output"),
        ({"cache": "of"}, "cache is 'of'"),
        ({"base_url": "host:80"}, "blurb: base_url"),
    ],
)
def test_what_cannot_be_is_refused(arguments, said):
    with pytest.raises(ConfigError, match=said):
        Pipeline.part("contextualizer", "blurb", **{"model": "m", **arguments})


def test_the_passport_has_what_is_asked_and_not_where():
    told = []
    for more in ({}, {"instructions": "Be brief."}, {"fields": {"seed": 1}}, {"concurrency": 9}):
        with blurbs(Chat(), **more) as contextualizer:
            told.append(contextualizer.parameters())
            assert json.loads(json.dumps(told[-1])) == told[-1]
    assert told[0] == told[3] and told[0]["model"] == "tiny"
    assert len({json.dumps(one) for one in told}) == 3
