import json

import pytest

from retrievo.errors import ReadError, RetrievoWarning
from retrievo.read.jsonl import JsonReader


def read(tmp_path, data, name="a.jsonl", **arguments):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return list(JsonReader(**arguments).read(path))


@pytest.mark.parametrize("text_field", ["text", "content", "page_content", "body"])
@pytest.mark.parametrize("id_field", ["id", "_id", "doc_id"])
@pytest.mark.parametrize("metadata_field", ["metadata", "meta", "attributes"])
def test_the_usual_names_are_found(tmp_path, text_field, id_field, metadata_field):
    record = {id_field: 7, "title": "T", text_field: "x", metadata_field: {"a": 1}, "tags": ["b"]}
    (found,) = read(tmp_path, json.dumps(record))
    assert (found.id, found.title, found.text) == ("7", "T", "x")
    assert found.metadata == {"a": 1, "tags": ["b"]}


def test_names_and_dotted_paths_can_be_given(tmp_path):
    record = {"p": {"b": "x", "k": {"n": "i"}}, "a.t": "T", "m": {"y": 1}, "text": "no", "o": {}}
    (found,) = read(
        tmp_path, json.dumps(record),
        text_field="p.b", id_field="p.k.n", title_field="a.t", metadata_field="m",
    )  # fmt: skip
    assert (found.id, found.title, found.text) == ("i", "T", "x")
    assert found.metadata == {"y": 1, "text": "no"}


def test_a_text_inside_the_metadata_is_not_kept_twice(tmp_path):
    record = {"payload": {"body": "x", "lang": "en"}}
    (found,) = read(
        tmp_path, json.dumps(record), text_field="payload.body", metadata_field="payload"
    )
    assert (found.text, found.metadata) == ("x", {"lang": "en"})


def test_explicit_metadata_wins_over_a_field_of_the_same_name(tmp_path):
    (found,) = read(tmp_path, '{"text": "x", "year": 1, "metadata": {"year": 2}}')
    assert found.metadata == {"year": 2}


def test_records_without_id_are_numbered_and_blank_lines_are_none(tmp_path):
    found = read(tmp_path, '\ufeff{"text": "a"}\r\n\r\n{"text": "b", "id": "k"}\n{"text": ""}')
    assert [(d.id, d.text) for d in found] == [("#0", "a"), ("k", "b"), ("#2", "")]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"text": ', "Expecting value"),
        (b'{"text": "a", "n": NaN}', "NaN is not JSON"),
        (b'{"text": "a", "n": 1e999}', "'n' is inf"),
        (b'{"txt": "a", "b": 1}', r"no text \(a str in text or .*it has 'txt', 'b'"),
        (b'{"text": 3}', "'text' is a int"),
        (b'{"text": "a", "id": 1.5}', "its 'id' is a float"),
        (b"[1]", "a list, an object is wanted"),
        (b'{"text": "caf\xe9"}', "can't decode byte 0xe9"),
        (b'{"text": "\\ud83d"}', "surrogates not allowed"),
        (b'{"text": "a", "m": ["\\ud83d"]}', "surrogates not allowed"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"text": "a", "n": ' + b"9" * 5000 + b"}", "limit"),
    ],
)
def test_a_bad_line_is_told_by_number_and_the_rest_goes_on(tmp_path, line, why):
    data = b'{"text": "first"}\n\n' + line + b'\n{"text": "last"}\n'
    with pytest.warns(RetrievoWarning, match=f"a.jsonl: line 3 left out: .*{why}"):
        found = read(tmp_path, data)
    # The bad line keeps its number, so that mending it moves no id.
    assert [(d.id, d.text) for d in found] == [("#0", "first"), ("#2", "last")]


def test_many_bad_lines_are_summed_up(tmp_path):
    with pytest.warns(RetrievoWarning) as told:
        read(tmp_path, '{"text": "a"}\n' + "{\n" * 9)
    assert len(told) == 6
    assert str(told[-1].message).endswith("a.jsonl: 4 further records left out")


def test_a_pair_of_surrogates_is_a_character(tmp_path):
    (found,) = read(tmp_path, '{"text": "\\ud83d\\ude00"}')
    assert found.text == "😀"


def test_utf_16_is_read_whole(tmp_path):
    assert len(read(tmp_path, '{"text": "é"}\n{"text": "ਊ"}\n'.encode("utf-16"))) == 2


@pytest.mark.parametrize(
    ("data", "ids"),
    [
        ('{"text": "a", "id": "k"}', ["k"]),
        ('[{"text": "a"}, {"text": "b", "id": "k"}]', ["#0", "k"]),
        (' [\n{"content": "a"}]', ["#0"]),
    ],
)
def test_json_holds_an_object_or_a_list(tmp_path, data, ids):
    assert [d.id for d in read(tmp_path, data, "a.json")] == ids


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("{", "not JSON: Expecting"),
        ('{"text": "a"}\n{"text": "b"}', "Extra data.*name it .jsonl"),
        ('{"name": "x"}', "no usable record; record 0 left out: no text .*it has 'name'"),
        ("[]", "no usable record; none in it"),
        ("3", "no usable record; record 0 left out: a int"),
        ("[NaN]", "NaN is not JSON"),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_a_json_file_without_records_is_an_error(tmp_path, data, why):
    with pytest.raises(ReadError, match=f"(?s)a.json: .*{why}"):
        read(tmp_path, data, "a.json")


def test_lines_are_read_as_they_are_asked_for(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a"}\n{"text": "b"}\n')
    documents = JsonReader().read(path)
    next(documents)
    with path.open("a") as file:
        file.write('{"text": "written meanwhile"}\n')  # a reader of the whole would not see it
    assert [d.text for d in documents] == ["b", "written meanwhile"]
