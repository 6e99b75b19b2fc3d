import json
from enum import Enum

import numpy as np
import pytest
from fake_plugins import Fakes
from pydantic import BaseModel

from retrievo.config import TABLES
from retrievo.config.schema import json_schema
from retrievo.hookspecs import hookimpl
from retrievo.host import Host

jsonschema = pytest.importorskip(
    "jsonschema", reason="checks documents against the schema with jsonschema"
)


class Colour(Enum):
    RED = "red"


class Options(BaseModel):
    depth: int
    colour: Colour = Colour.RED


class Odd:
    """Arguments of types that JSON does not have, or has only by a definition of its own."""

    def __init__(
        self,
        options: Options,
        array: np.ndarray | None = None,
        call=print,
        schema: str = "x",
        model_name: "Unknown" = None,  # noqa: F821
        limits: dict[str, tuple[int, int]] | None = None,
    ):
        pass


class OddPlugin:
    @hookimpl
    def retrievo_register_rerankers(self, register):
        register("odd", Odd)
        register("gone", "retrievo_no_such_module:X", extra="gpu")


@pytest.fixture(scope="module")
def schema():
    return json_schema(Host([Fakes(), OddPlugin()], block=()))


@pytest.fixture(scope="module")
def accepts(schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema).is_valid


def test_it_is_json_and_knows_every_table(schema):
    assert set(schema["properties"]) == set(TABLES)
    assert json.loads(json.dumps(schema)) == schema
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(
    "tables",
    [
        {},
        {"format": 1},
        {"chunker": {"use": "fake-chunker", "chunk_size": 5, "marks": ["a"], "folder": "x"}},
        {"chunker": {"use": "fake-chunker", "chunk_size": "env:SIZE", "tokenizer": "@encoder"}},
        {"retrievers": {"fake-retriever": {"depth": 5}, "other": {"use": "fake-retriever"}}},
        {"retrievers": {"fake-retriever": {"use": "fake-retriever"}}},
        {"readers": {"needy": {"prefix": "x"}}},
        {"store": {}},
        {"store": {"use": "folder"}},
        {"expander": {"use": "open", "anything": [1]}},
        {"fusion": {"use": "fake-fusion", "weights": {"a": 0.5}}},
        {"reranker": {"use": "gone", "anything": 1}},
        {"reranker": {"use": "odd", "options": {"depth": 1, "colour": "red"}, "model_name": 1}},
        {"reranker": {"use": "odd", "options": {"depth": 1}, "limits": {"a": [1, 2]}}},
        {"encoder": {"use": "deaf", "encoder": "@query_encoder"}},
    ],
)
def test_what_a_configuration_may_hold_is_valid(accepts, tables):
    assert accepts(tables)


@pytest.mark.parametrize(
    "tables",
    [
        {"format": 2},
        {"chunkr": {}},
        {"chunker": "fake-chunker"},
        {"chunker": {"use": "nothing"}},
        {"chunker": {"use": "fake-chunker", "chunk_siz": 5}},
        {"chunker": {"use": "fake-chunker", "chunk_size": "big"}},
        {"chunker": {"use": "fake-chunker", "on_truncate": "warm"}},
        {"retrievers": {}},
        {"retrievers": {"other": {"depth": 5}}},
        {"readers": {"needy": {}}},
        {"reranker": {"use": "fake-reranker"}},
        {"reranker": {"model": "x"}},
        {"reranker": {"use": "odd", "options": {"colour": "red"}}},
        {"encoder": {"use": "deaf", "encoder": 5}},
    ],
)
def test_what_a_configuration_may_not_hold_is_invalid(accepts, tables):
    assert not accepts(tables)


def test_a_component_whose_extra_is_missing_has_its_use_only(schema):
    assert schema["$defs"]["rerankers.gone"]["properties"] == {"use": {"const": "gone"}}


def test_defaults_and_origin_are_shown(schema):
    shown = schema["$defs"]["chunkers.fake-chunker"]
    assert shown["title"] == "fake-chunker (Fakes)"
    assert shown["properties"]["chunk_size"]["default"] == 256
    assert "default" not in schema["$defs"]["rerankers.fake-reranker"]["properties"]["model"]


def test_without_a_component_of_a_kind_nothing_is_valid_there():
    schema = json_schema(Host(block=["builtin"]))
    valid = jsonschema.Draft202012Validator(schema).is_valid
    assert valid({})
    assert not valid({"reranker": {"use": "x"}})
