"""What a chat service is asked of a query, what is kept, and what goes wrong."""

import json

import pytest
from answering_server import Answer, Script, serving
from chat_server import written

from retrievo.errors import ConfigError, RetrievoWarning, SearchError

pytest.importorskip("httpx", reason="needs the extra 'remote'")

from retrievo.expand.writing import Writing  # it needs httpx


def writing(url, prompt="Say {query}.", placeholders=None, **more):
    given = {
        "most_tokens": 20, "temperature": 0.0, "fields": None, "leave_out": None, "api_key": None,
        "headers": None, "retries": 0, "backoff_s": 0.0, "timeout_s": 5.0, "deadline_s": 5.0,
        "verify": True, "cache": "off", **more,
    }  # fmt: skip
    return Writing("hyde", "tiny", prompt, placeholders or {}, base_url=f"{url}/v1", **given)


def bodies(script):
    return [json.loads(data) for *_, data in script.seen]


def test_the_prompt_is_filled_in():
    with serving(script := Script(written(" yes "))) as url:
        asked = writing(url, "{n} times {query}{{}}", {"n": "3"}, fields={"top_p": 0.5})
        assert asked.answers('a {query} in "braces"') == ["yes"]
    assert bodies(script) == [
        {
            "model": "tiny", "max_tokens": 20, "temperature": 0.0, "top_p": 0.5,
            "messages": [{"role": "user", "content": '3 times a {query} in "braces"{}'}],
        }
    ]  # fmt: skip


def test_nothing_is_sent_before_the_first_query():
    with serving(script := Script(written("yes"))) as url:
        writing(url)
    assert script.seen == []


@pytest.mark.parametrize("on_disk", [False, True])
def test_an_answer_is_asked_for_once(tmp_path, on_disk):
    cache = str(tmp_path / "answers.sqlite") if on_disk else "memory"
    with serving(script := Script(written("one"), written("two"))) as url:
        asked = writing(url, cache=cache)
        assert [asked.answers("a"), asked.answers("a"), asked.answers("b")] == [
            ["one"], ["one"], ["two"],
        ]  # fmt: skip
        asked.close()
        assert len(script.seen) == 2
        assert writing(url, cache=cache).answers("a") == (["one"] if on_disk else ["two"])
        writing(url, "Other: {query}", cache=cache).answers("a")
        assert len(script.seen) == (3 if on_disk else 4)


def test_off_keeps_nothing():
    with serving(script := Script(written("one"))) as url:
        asked = writing(url)
        assert asked.answers("a") == asked.answers("a")
    assert len(script.seen) == 2


def test_several_answers_are_several_requests():
    with serving(script := Script(written("one"), written("two"), written("three"))) as url:
        asked = writing(url, cache="memory")
        assert sorted(asked.answers("a", 3)) == ["one", "three", "two"]
        assert asked.answers("a", 3) == asked.answers("a", 3)
    assert len(script.seen) == 3


def test_a_part_that_does_not_come_is_told():
    with serving(Script(written("one"), Answer(500))) as url:
        with pytest.warns(RetrievoWarning, match=r"hyde goes on with 1 of 3 answers: .*500"):
            assert writing(url).answers("a", 3) == ["one"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(500), "answered 500"),
        (Answer(503, {"error": {"message": "busy"}}), "busy"),
        (Answer(401), "api key is missing"),
        (Answer(404), "see model and base_url in .expander."),
        (Answer(400, {"error": {"message": "too long"}}), "refused a request .400: too long"),
        (Answer(302, {}, {"Location": "http://localhost"}), "a redirect"),
        (Answer(body=b"<html>hello"), "no chat completion"),
        (Answer(body=b'{"choices": [{"mess'), "no whole JSON"),
        (Answer(body={"choices": []}), "choices"),
        (Answer(body={"choices": [{"message": {"content": 7}}]}), "choices"),
        (Answer(body=[1]), "no chat completion"),
        (Answer(body=b"x" * 1_100_000), "more than 1,048,576 bytes"),
        (Answer(drop=True), "cannot be reached"),
        (written(""), "the model answered nothing"),
        (written(" \n "), "the model answered nothing"),
        (written("<think>I am not sure"), "the model answered nothing"),
        (Answer(body={"choices": [{"message": {"content": None}}]}), "answered nothing"),
    ],
)
def test_what_is_no_answer_is_an_error(answer, said):
    with serving(Script(answer)) as url:
        with pytest.raises(SearchError, match=said) as caught:
            writing(url).answers("a secret matter")
    assert "hyde cannot expand the query" in str(caught.value)
    assert "secret matter" not in str(caught.value)
    assert "indexed" not in str(caught.value)


def test_a_service_that_hangs_is_given_up():
    with serving(Script(Answer(hang=30))) as url:
        with pytest.raises(SearchError, match=r"did not answer within 0.\d+ s.*Search again when"):
            writing(url, timeout_s=0.1, deadline_s=0.2).answers("a")


def test_a_service_that_is_not_there():
    with serving(Script(Answer())) as url:
        pass
    with pytest.raises(SearchError, match="cannot be reached"):
        writing(url).answers("a")


def test_a_failure_is_not_kept():
    with serving(Script(Answer(500), written("one"))) as url:
        asked = writing(url, cache="memory")
        with pytest.raises(SearchError):
            asked.answers("a")
        assert asked.answers("a") == ["one"]


def test_what_was_thought_aloud_and_what_is_too_long_is_cut():
    with serving(Script(written("<think>hm</think> one two"), written("x" * 1_000_000))) as url:
        asked = writing(url)
        assert asked.answers("a") == ["one two"]
        assert asked.answers("b") == ["x" * 1_280]


def test_hostile_queries_are_sent():
    with serving(script := Script(written("one"))) as url:
        writing(url).answers("half \ud83d \x00 \u202e")
        with pytest.warns(RetrievoWarning, match="first 8,000 characters"):
            writing(url).answers("x" * 9_000)
    first, second = (body["messages"][0]["content"] for body in bodies(script))
    assert "half \ufffd" in first
    assert len(second) == 8_000 + len("Say .")


def test_the_key_is_never_shown(monkeypatch):
    said = {"error": {"message": "bad key s3cret"}}
    with serving(script := Script(Answer(500, said))) as url:
        asked = writing(url, api_key="s3cret")
        with pytest.raises(SearchError) as caught:
            asked.answers("a")
    assert dict(script.seen[0][2])["Authorization"] == "Bearer s3cret"
    assert "s3cret" not in str(caught.value) and "s3cret" not in repr(vars(asked))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"prompt": "no place"}, "does not hold {query}"),
        ({"prompt": "{query} {metadata.x}"}, "metadata.x"),
        ({"prompt": "{query} {other}"}, "other"),
        ({"prompt": "{query"}, "placeholder"),
        ({"cache": "disk"}, "'memory', 'off'"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"api_key": "env:NO_SUCH_VARIABLE"}, "NO_SUCH_VARIABLE"),
    ],
)
def test_what_makes_no_sense_is_refused(more, said):
    with pytest.raises(ConfigError, match=said):
        writing("http://localhost:1", **more)


def test_a_file_that_cannot_be_used_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("not a database, and not ours " * 50)
    with pytest.raises(ConfigError, match="file of answers"):
        writing("http://localhost:1", cache=str(tmp_path / "notes.txt"))
