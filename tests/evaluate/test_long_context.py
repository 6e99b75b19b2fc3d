import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrievo import Pipeline
from retrievo.errors import ConfigError
from retrievo.evaluate.datasets import Dataset
from retrievo.evaluate.long_context import LongReport, long_context, long_task
from retrievo.evaluate.long_texts import FIRST, LAST, names
from retrievo.evaluate.run import evaluate

SMALL = {"queries": 5, "candidates": 10}


@pytest.mark.parametrize("task", ["passkey", "needle"])
@pytest.mark.parametrize("tokens", [256, 1024, 4096])
def test_documents_have_the_length_and_one_answer_each(task, tokens):
    made = long_task(task, tokens)
    assert len(made.documents) == 100 and len(made.questions) == 50
    for document in made.documents:
        words = len(document.text.split())
        assert 0.75 * tokens - 2 <= words <= 0.75 * tokens + 30
    assert len({document.text for document in made.documents}) == 100
    assert len(set(made.questions.values())) == 50


def test_the_answer_is_in_its_document_alone():
    made = long_task("passkey", 512)
    for doc_id, question in made.questions.items():
        name = question.removeprefix("What is the pass key for ").rstrip("?")
        holding = [
            d.id for d in made.documents if f"{name}'s pass key is" in d.text.replace("\n\n", " ")
        ]
        assert holding == [doc_id]


def test_names_share_no_part_until_there_are_more_than_a_hundred():
    draw = random.Random(1)
    assert len({part for name in names(100, draw) for part in name.split()}) == 200
    assert len(set(names(1_000, draw))) == 1_000
    assert len(set(FIRST)) == len(set(LAST)) == 100


def test_the_key_is_at_any_place():
    made = long_task("passkey", 2048)
    places = sorted(d.text.index("Remember it.") / len(d.text) for d in made.documents)
    assert places[0] < 0.15 and places[-1] > 0.85 and 0.3 < places[50] < 0.7


def test_needles_stand_in_varied_prose():
    made = long_task("needle", 8192, queries=1, candidates=1)
    sentences = made.documents[0].text.replace("\n\n", " ").split(". ")
    assert len(set(sentences)) > 0.9 * len(sentences) > 300


def test_the_same_arguments_give_the_same_task():
    assert long_task("needle", 256, seed=3) == long_task("needle", 256, seed=3)
    assert long_task("needle", 256) != long_task("needle", 256, seed=1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"task": "haystack"}, "task is 'haystack'"),
        ({"tokens": 10}, "10 tokens has no room"),
        ({"queries": 11}, "11 queries and 10 candidates"),
        ({"queries": 0}, "0 queries"),
        ({"candidates": 50_000}, "there are 10000 names"),
    ],
)
def test_what_cannot_be_made(given, said):
    with pytest.raises(ConfigError, match=said):
        long_task(**{"task": "passkey", "tokens": 256, **SMALL, **given})


def test_a_pipeline_that_finds_words_finds_every_key():
    report = long_context(Pipeline, lengths=(256, 2048), **SMALL)
    assert report.accuracy == {256: 1.0, 2048: 1.0} and report.mean == 1
    assert report.chunks[2048] > report.chunks[256] >= 10
    assert "2,048 tokens  accuracy@1 1.00" in str(report)
    assert json.loads(json.dumps(report.as_dict()))["accuracy@1"] == {"256": 1.0, "2048": 1.0}


def test_a_pipeline_that_reads_the_beginning_misses_most():
    class Beginning:
        def chunk(self, document):
            return [*Pipeline.part("chunker", "recursive").chunk(document)][:1]

    report = long_context(lambda: Pipeline(chunker=Beginning()), lengths=(4096,), **SMALL)
    assert report.accuracy[4096] < 0.6


def test_it_is_written_as_a_collection(tmp_path):
    made = long_task("needle", 256, **SMALL)
    made.write(tmp_path / "needle-256")
    dataset = Dataset.read(tmp_path / "needle-256")
    assert sorted(d.text for d in dataset.documents()) == sorted(d.text for d in made.documents)
    found = evaluate(Pipeline(), dataset, ("p@1",)).metrics["p@1"]
    assert found == pytest.approx(long_context(Pipeline, "needle", lengths=[256], **SMALL).mean)


@given(st.integers(64, 600), st.integers(0, 3))
def test_any_length(tokens, seed):
    made = long_task("needle", tokens, queries=1, candidates=2, seed=seed)
    assert all(document.text.strip() for document in made.documents)


def test_it_can_be_drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    from retrievo.evaluate.long_plot import plot

    report = LongReport("passkey", {256: 1.0, 512: 0.5}, 50, 100)
    for name in ("a.svg", "b.png"):
        plot({"default": report, "other": report}, tmp_path / name)
        assert (tmp_path / name).stat().st_size > 1_000
    assert "passkey" in (tmp_path / "a.svg").read_text()


def test_no_length():
    with pytest.raises(ConfigError, match="no length is given"):
        long_context(Pipeline, lengths=())
