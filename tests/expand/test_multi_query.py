"""Other forms of a query, as a chat service on loopback writes them."""

import json

import pytest
from answering_server import Answer, Script, serving
from chat_server import written
from expanding import BAKERY

from retrievo import Pipeline
from retrievo.errors import ConfigError, SearchError
from retrievo.types import Query

pytest.importorskip("httpx", reason="needs the extra 'remote'")

from retrievo.expand.multi_query import MultiQueryExpander, forms_in  # it needs httpx


def multi_query(url, **more):
    given = {"retries": 0, "backoff_s": 0.0, **more}
    return MultiQueryExpander("tiny", base_url=f"{url}/v1", **given)


def test_the_query_comes_first_and_counts_most():
    with serving(script := Script(written("1. bake a loaf\n2. bread recipe"))) as url:
        made = multi_query(url, forms=2, weight=0.4).expand("how to make bread?")
    assert made == [
        Query("how to make bread?"), Query("bake a loaf", 0.4), Query("bread recipe", 0.4),
    ]  # fmt: skip
    body = json.loads(script.seen[0][3])
    asked = body["messages"][0]["content"]
    assert "Write 2 other forms" in asked and asked.endswith("Query: how to make bread?")
    assert body["max_tokens"] == 128


@pytest.mark.parametrize(
    ("answer", "forms"),
    [
        ("bake a loaf\nbread recipe\n", ["bake a loaf", "bread recipe"]),
        ("- bake a loaf\n* bread recipe\n• dough", ["bake a loaf", "bread recipe", "dough"]),
        ("1) bake a loaf\n(2) bread recipe\n3: dough", ["bake a loaf", "bread recipe", "dough"]),
        ("3 loaves a day\n1984 by whom", ["3 loaves a day", "1984 by whom"]),
        ("-1 degrees", ["-1 degrees"]),
        ("Here are three forms:\n\nbake a loaf", ["bake a loaf"]),
        ('"bake a loaf"\n“bread recipe”', ["bake a loaf", "bread recipe"]),
        ('["bake a loaf", "bread recipe"]', ["bake a loaf", "bread recipe"]),
        ('```json\n["bake a loaf"]\n```', ["bake a loaf"]),
        ("```\nbake a loaf\n```", ["bake a loaf"]),
        ("[1, 2]", ["[1, 2]"]),
        ("[" * 5_000 + "]", ["[" * 5_000 + "]"][:0]),
        ("Make bread\nmake BREAD?\nbake a loaf\nBake a loaf.", ["bake a loaf"]),
        ("a b\nc d\ne f\ng h\ni j", ["a b", "c d", "e f"]),
        ("\n \n...\n--\n", []),
        ("bake\x00a\u202e loaf", ["bake a loaf"]),
        ("焼きたてのパン\n1. パンの作り方", ["焼きたてのパン", "パンの作り方"]),
    ],
)
def test_lines_that_are_forms(answer, forms):
    assert forms_in(answer, 3, beside="make bread") == forms


def test_huge_answers_are_cut():
    [form] = forms_in("word " * 200_000, 3, beside="x")
    assert len(form.split()) <= 64
    assert forms_in("x\n" * 500_000 + "late", 3, beside="x") == []


def test_an_empty_query_is_not_asked_about():
    assert multi_query("http://localhost:1").expand("") == [Query("")]


@pytest.mark.parametrize("answer", [Answer(503), written("make bread"), written("")])
def test_without_another_form_there_is_an_error(answer):
    with serving(Script(answer)) as url:
        with pytest.raises(SearchError, match="multi-query cannot expand the query"):
            multi_query(url).expand("make bread")


@pytest.mark.parametrize(
    "bad",
    [
        {"forms": 0},
        {"weight": 0},
        {"weight": 1.5},
        {"temperature": float("nan")},
        {"prompt": "{n} forms"},
    ],
)
def test_what_makes_no_sense_is_refused(bad):
    with pytest.raises(ConfigError):
        multi_query("http://localhost:1", **bad)


def test_a_search_finds_by_another_form(tmp_path):
    config = tmp_path / "pipeline.toml"
    with serving(Script(written("locked door"))) as url:
        config.write_text(
            '[retrievers.bm25]\nuse = "bm25"\n'
            f'[expander]\nuse = "multi-query"\nmodel = "tiny"\nbase_url = "{url}/v1"\nretries = 0\n'
        )
        pipeline = Pipeline.from_toml(config)
        pipeline.index(BAKERY)
        assert {hit.doc_id for hit in pipeline.search("safe")} == {"vault", "keys"}
        pipeline.close()
