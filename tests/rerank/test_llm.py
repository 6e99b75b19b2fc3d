"""An order that a chat service on loopback gives, in windows, whatever it answers."""

import json
import re
import threading

import pytest
from answering_server import Answer, Script, serving
from chat_server import written
from hypothesis import given, settings
from hypothesis import strategies as st
from ranking_chunks import Clock, chunks_of

pytest.importorskip("httpx", reason="needs the extra 'remote'")

from retrievo import Document, Pipeline
from retrievo.errors import ConfigError, SearchError
from retrievo.rerank.budget import Budget
from retrievo.rerank.llm import LlmReranker
from retrievo.telling import collecting
from retrievo.types import Chunk

QUERY = "the highest number"


def passages(body):
    said = body["messages"][1]["content"]
    return re.findall(r"<passage number=\d+>\n(.*?)\n</passage>", said, re.S)


class Judge:
    """Orders passages by the number that they hold, the highest first; `each()` at every answer."""

    def __init__(self, each=lambda: None, spoil=lambda said, call: said):
        self.each, self.spoil = each, spoil
        self.over, self.seen, self.bodies = threading.Event(), self, []

    def append(self, request):
        _, path, headers, data = request
        assert path == "/v1/chat/completions"
        self.headers = headers
        self.bodies.append(json.loads(data))

    def next(self):
        self.each()
        numbers = [int(text.split()[-1]) for text in passages(self.bodies[-1])]
        order = sorted(range(len(numbers)), key=lambda at: -numbers[at])
        said = self.spoil(" > ".join(f"[{at + 1}]" for at in order), len(self.bodies))
        return said if isinstance(said, Answer) else written(said)


def llm(url, **more):
    given = {"retries": 0, "backoff_s": 0.0, "cache": "off", **more}
    return LlmReranker("tiny", base_url=f"{url}/v1", **given)


def numbered(*numbers):
    return chunks_of(*[f"number {number}" for number in numbers])


def test_one_window_is_one_question():
    with serving(judge := Judge()) as url:
        ranked = llm(url).rank(QUERY, numbered(3, 9, 1, 7), 3)
    assert ranked.rows.tolist() == [1, 3, 0]
    assert ranked.scores.tolist() == [1.0, 0.75, 0.5] and ranked.bound == 1.0
    [body] = judge.bodies
    assert body["model"] == "tiny" and body["temperature"] == 0 and body["max_tokens"] == 120
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert passages(body) == ["number 3", "number 9", "number 1", "number 7"]
    assert f"<query>\n{QUERY}\n</query>" in body["messages"][1]["content"]


def test_windows_slide_so_that_the_best_of_the_end_rise_to_the_top():
    numbers = list(range(10))  # the worst order there is
    with serving(judge := Judge()) as url:
        ranked = llm(url, window=4, step=2).rank(QUERY, numbered(*numbers), 10)
    # By hand, a window of four from the end: its best two rise into the next one.
    order = numbers[:]
    for start in (6, 4, 2, 0):
        order[start : start + 4] = sorted(order[start : start + 4], reverse=True)
    assert ranked.rows.tolist() == order and order[:2] == [9, 8]
    assert len(judge.bodies) == 4 and passages(judge.bodies[0]) == [
        f"number {n}" for n in (6, 7, 8, 9)
    ]


@pytest.mark.parametrize(
    ("said", "rows", "told"),
    [
        ("I am sorry, Dave.", [0, 1, 2], "named no passage in 1 of 1 answers"),
        ("", [0, 1, 2], "named no passage"),
        ("[3]", [2, 0, 1], "left passages out in 1 of 1 answers"),
        ("[3] > [3] > [8] > [1]", [2, 0, 1], "left passages out"),
        ("<think>[1] or [2]?</think>[3] > [2] > [1]", [2, 1, 0], None),
        ("<think>[1] or [2]? I go on and", [0, 1, 2], "named no passage"),
        ("[2] > [1] > [3]", [1, 0, 2], None),
    ],
)
def test_answers_of_all_kinds(said, rows, told):
    with serving(Script(written(said))) as url, collecting() as messages:
        ranked = llm(url).rank(QUERY, numbered(1, 2, 3), 3)
    assert ranked.rows.tolist() == rows
    assert [bool(told) and told in message for message in messages] == [True] * bool(told)


@settings(max_examples=25)
@given(st.text(max_size=40))
def test_whatever_it_answers_no_passage_is_lost_or_doubled(service, said):
    service[1].answers = [written(said.replace("\ud800", ""))]
    with collecting():
        ranked = llm(service[0]).rank(QUERY, numbered(1, 2, 3, 4), 4)
    assert sorted(ranked.rows.tolist()) == [0, 1, 2, 3]


@pytest.fixture(scope="module")
def service():
    with serving(script := Script(written(""))) as url:
        yield url, script


def test_one_window_that_fails_leaves_the_others():
    def spoil(said, call):
        return Answer(500, {"error": {"message": "out of memory"}}) if call == 1 else said

    with serving(Judge(spoil=spoil)) as url, collecting() as told:
        ranked = llm(url, window=3, step=2).rank(QUERY, numbered(1, 2, 3, 4, 5), 5)
    # The window of the last three failed; 1, 2 and 3 were ordered, the others were not read.
    assert ranked.rows.tolist() == [2, 1, 0]
    assert len(told) == 1 and "without 1 of 2 answers" in told[0] and "out of memory" in told[0]


def test_a_service_that_fails_is_a_search_error():
    with serving(Script(Answer(500))) as url, pytest.raises(SearchError, match="cannot order"):
        llm(url).rank(QUERY, numbered(1, 2), 2)
    down = LlmReranker("tiny", base_url="http://127.0.0.1:9/v1", retries=0, api_key="sesame-77")
    with pytest.raises(SearchError, match="cannot be reached") as caught:
        down.rank(QUERY, numbered(1, 2), 2)
    assert "sesame" not in str(caught.value) + repr(down)
    with serving(script := Script(Answer(400, {"error": {"message": "too many tokens"}}))) as url:
        with pytest.raises(SearchError, match="too many tokens"):
            llm(url, window=2, step=1).rank(QUERY, numbered(*range(9)), 9)
        assert len(script.seen) == 3  # then it is not asked any more


def test_the_budget_asks_about_the_first_window_first():
    clock = Clock()
    judge = Judge(each=lambda: clock.passes(0.1))

    def ranked(budget_ms):
        judge.bodies.clear()
        made = llm(url, window=4, step=2)
        made.budget = Budget(budget_ms, clock)
        rows = made.rank(QUERY, numbered(*range(10)), 10).rows.tolist()
        return rows, len(judge.bodies)

    with serving(judge) as url:
        assert ranked(50) == ([3, 2, 1, 0], 1)  # at least one, whatever it takes
        assert ranked(290) == ([3, 2, 1, 0], 1)  # a pass over two windows would end at 300
        # After 100 ms two more fit: a pass over the first six.
        assert ranked(310) == ([5, 4, 3, 2, 1, 0], 3)
        rows, asked = ranked(5_000)
        assert rows[:2] == [9, 8] and sorted(rows) == list(range(10)) and asked == 5


def test_answers_are_kept(tmp_path):
    for cache in ("memory", tmp_path / "answers.sqlite"):
        with serving(judge := Judge()) as url:
            made = llm(url, cache=cache)
            first = made.rank(QUERY, numbered(1, 3, 2), 3)
            again = made.rank(QUERY, numbered(1, 3, 2), 3)
            assert len(judge.bodies) == 1
            made.rank("another", numbered(1, 3, 2), 3)
            assert len(judge.bodies) == 2
            made.close()
        assert first.rows.tolist() == again.rows.tolist() == [1, 2, 0]


def test_an_answer_without_use_is_not_kept():
    with serving(script := Script(written("no"), written("[2] > [1]"))) as url, collecting():
        made = llm(url, cache="memory")
        assert made.rank(QUERY, numbered(1, 2), 2).rows.tolist() == [0, 1]
        assert made.rank(QUERY, numbered(1, 2), 2).rows.tolist() == [1, 0]
    assert len(script.seen) == 2


def test_long_passages_are_told_and_contexts_are_shown():
    chunks = [Chunk("d", "word " * 60 + "5", 0, 301), Chunk("e", "number 7", 0, 8, context="Keys")]
    with serving(judge := Judge()) as url:
        judge.next = lambda: written("[2] > [1]")
        with collecting() as told:
            llm(url, passage_tokens=20).rank(QUERY, chunks, 2)
    assert len(passages(judge.bodies[0])[0].split()) == 20
    assert passages(judge.bodies[0])[1] == "Keys\nnumber 7"
    assert len(told) == 1 and told[0].startswith("1 of 2 passages were shown")


def test_nothing_to_order():
    made = LlmReranker("tiny", base_url="http://127.0.0.1:9/v1")
    assert len(made.rank(QUERY, [], 3)) == 0
    assert made.rank(QUERY, numbered(1), 3).rows.tolist() == [0]  # nobody is asked
    with pytest.raises(SearchError, match="empty query"):
        made.rank(" ", numbered(1, 2), 2)


@pytest.mark.parametrize("more", [{"window": 1}, {"step": 0}, {"step": 21}, {"depth": 0},
                                  {"model": ""},
                                  {"passage_tokens": 0}, {"budget_ms": 0.0}, {"temperature": -1},
                                  {"answer_tokens": 0}, {"cache": "sometimes"}])  # fmt: skip
def test_arguments_are_checked(more):
    with pytest.raises(ConfigError):
        LlmReranker(**{"model": "tiny", **more})


def test_in_a_pipeline(tmp_path):
    with serving(Judge()) as url:
        (tmp_path / "p.toml").write_text(
            f'format = 1\n[reranker]\nuse = "llm"\nmodel = "tiny"\nbase_url = "{url}/v1"\n'
        )
        pipeline = Pipeline.from_toml(tmp_path / "p.toml")
        pipeline.index(Document(str(n), f"number {n}") for n in (4, 17, 8))
        hits = pipeline.search(QUERY, top_k=3)
    assert [hit.text for hit in hits] == ["number 17", "number 8", "number 4"]
    assert not hits.warnings
