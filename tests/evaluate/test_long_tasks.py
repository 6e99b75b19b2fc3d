import json
import random
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrievo.errors import ConfigError, DatasetError
from retrievo.evaluate.datasets import Dataset
from retrievo.evaluate.long_facts import FACTS
from retrievo.evaluate.long_tasks import long_task, read_tasks
from retrievo.evaluate.long_texts import FIRST, LAST, names

SMALL = {"queries": 5, "candidates": 10}


@pytest.mark.parametrize("task", ["passkey", "needle"])
@pytest.mark.parametrize("tokens", [256, 1024, 4096])
def test_documents_have_the_length_and_one_answer_each(task, tokens):
    made = long_task(task, tokens)
    assert len(made.documents) == 100 and len(made.queries) == 50
    for document in made.documents:
        words = len(document.text.split())
        assert 0.75 * tokens - 2 <= words <= 0.75 * tokens + 30
    assert len({document.text for document in made.documents}) == 100
    assert len({query.text for query in made.queries}) == 50
    answers = {doc_id for query in made.queries for doc_id in query.grades}
    assert len(answers) == 50 and answers < {document.id for document in made.documents}


def test_the_pass_key_is_in_its_document_alone():
    made = long_task("passkey", 512)
    for query in made.queries:
        name = query.text.removeprefix("What is the pass key for ").rstrip("?")
        holding = {
            d.id: 1 for d in made.documents if f"{name}'s pass key is" in " ".join(d.text.split())
        }
        assert holding == query.grades


def test_the_fact_is_in_its_document_alone():
    made, told = long_task("needle", 512), {question: fact for fact, question in FACTS}
    for query in made.queries:
        fact = told[query.text]
        assert {d.id: 1 for d in made.documents if fact in " ".join(d.text.split())} == query.grades


def test_facts_are_different_and_asked_for_mostly_in_other_words():
    assert len({fact for fact, _ in FACTS}) == len({ask for _, ask in FACTS}) == len(FACTS) >= 100

    def words(text):
        return Counter(word for word in re.findall(r"[a-z0-9]+", text.lower()) if len(word) > 3)

    shares = []
    for fact, question in FACTS:
        asked = words(question)
        shares.append(sum((asked & words(fact)).values()) / sum(asked.values()))
        assert question.endswith("?") and fact.endswith(".")
    assert max(shares) < 0.7 and sum(shares) / len(shares) < 0.3


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
    made = long_task("needle", 32_768, queries=1, candidates=1)
    sentences = made.documents[0].text.replace("\n\n", " ").split(". ")
    assert len(set(sentences)) > 0.95 * len(sentences) > 1_000


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
        ({"task": "needle", "candidates": 5_000}, f"there are {len(FACTS)} facts"),
    ],
)
def test_what_cannot_be_made(given, said):
    with pytest.raises(ConfigError, match=said):
        long_task(**{"task": "passkey", "tokens": 256, **SMALL, **given})


@given(st.integers(64, 600), st.integers(0, 3))
def test_any_length(tokens, seed):
    made = long_task("needle", tokens, queries=1, candidates=2, seed=seed)
    assert all(document.text.strip() for document in made.documents)


def of(task):
    """What a task holds, without the order of its documents and their metadata."""
    return task.tokens, {d.id: d.text for d in task.documents}, task.queries


def test_what_is_written_can_be_read(tmp_path):
    made = [long_task("needle", tokens, **SMALL) for tokens in (256, 64)]
    for task in made:
        task.write(tmp_path / "kept" / f"needle-{task.tokens}")
    assert [of(task) for task in read_tasks(tmp_path / "kept")] == [of(made[1]), of(made[0])]
    (alone,) = read_tasks(tmp_path / "kept" / "needle-256")
    assert of(alone) == of(made[0]) and alone.name == "needle-256"
    dataset = Dataset.read(tmp_path / "kept" / "needle-256")
    assert {d.id: d.text for d in dataset.documents()} == of(made[0])[1]
    long_task("passkey", 64, **SMALL).write(tmp_path / "kept" / "passkey-64")
    with pytest.raises(DatasetError, match="two collections of 64 tokens"):
        read_tasks(tmp_path / "kept")


def jsonl(path, items):
    path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")


def test_longembeds_own_layout_by_length(tmp_path):
    rows = [(size, n) for size in (512, 256) for n in range(2)]
    jsonl(
        tmp_path / "corpus.jsonl",
        [{"doc_id": f"{s}-{n}", "text": f"text {n}", "context_length": s} for s, n in rows],
    )
    jsonl(
        tmp_path / "queries.jsonl",
        [{"qid": f"q{s}", "text": "which?", "context_length": s} for s in (256, 512)],
    )
    jsonl(tmp_path / "qrels.jsonl", [{"qid": f"q{s}", "doc_id": f"{s}-1"} for s in (256, 512)])
    short, long = read_tasks(tmp_path)
    assert (short.tokens, long.tokens, short.name) == (256, 512, tmp_path.name)
    assert [document.id for document in short.documents] == ["256-0", "256-1"]
    assert [(query.id, query.grades) for query in long.queries] == [("q512", {"512-1": 1})]


def test_documents_without_a_length_are_one_task(tmp_path):
    jsonl(
        tmp_path / "corpus.jsonl",
        [{"_id": "a", "text": "three short words"}, {"_id": "b", "text": "nine " * 9}],
    )
    jsonl(tmp_path / "queries.jsonl", [{"_id": "q", "text": "nine"}])
    (tmp_path / "qrels.tsv").write_text("q\tb\t2\ngone\tb\t1\n")
    (task,) = read_tasks(tmp_path)
    assert task.tokens == 8  # (3 + 9) / 2 words at .75 a token
    assert task.queries[0].grades == {"b": 2} and "gone" in task.warnings[0]


def test_a_folder_without_a_collection(tmp_path):
    with pytest.raises(DatasetError, match=r"corpus\.jsonl is not there"):
        read_tasks(tmp_path)


def test_a_query_that_is_judged_at_several_lengths_has_one_ideal_each(tmp_path):
    corpus = [
        {"_id": f"{kind}{n}", "title": "", "text": f"word{n} {kind}", "context_length": n}
        for n in (256, 512)
        for kind in ("a", "b")
    ]
    queries = [{"_id": "q", "text": "a"}, {"_id": "zero", "text": "b"}]
    for name, items in (("corpus", corpus), ("queries", queries)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in items))
    (tmp_path / "qrels").mkdir()
    rows = "q\ta256\t1\nq\ta512\t1\nzero\tb256\t1\nzero\tb512\t0\n"
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + rows)
    short, long = read_tasks(tmp_path)
    assert [dict(query.grades) for query in short.queries] == [{"a256": 1}, {"b256": 1}]
    assert [dict(query.grades) for query in long.queries] == [{"a512": 1}]


@pytest.mark.parametrize("tokens", [100.5, "256", True])
def test_a_length_is_a_whole_number(tokens):
    with pytest.raises(ConfigError, match="a whole number of tokens"):
        long_task("passkey", tokens)
