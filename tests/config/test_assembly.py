from pathlib import Path

import pytest
from assemblies import assembled, message
from fake_plugins import (
    DeafEncoder,
    FakeEncoder,
    FakeRetriever,
    Fakes,
)

from retrievo.config import Config
from retrievo.config.assembly import Assembly
from retrievo.errors import (
    UnknownNameError,
)
from retrievo.host import Host


@pytest.fixture(scope="module")
def host():
    return Host([Fakes()])


def test_parts_are_built_once_and_handed_to_each_other(host):
    made = assembled(host, chunker={"use": "fake-chunker", "chunk_size": 64})
    encoder, store, chunker = made.part("encoder"), made.part("store"), made.part("chunker")
    assert chunker.chunk_size == 64
    assert chunker.tokenizer is encoder is made.part("encoder")
    retrievers = made.part("retrievers")
    assert list(retrievers) == ["one", "two"]
    assert retrievers["one"].store is retrievers["two"].store is store
    assert retrievers["one"].encoder is encoder
    assert retrievers["one"].query_encoder == "none given"
    assert made.part("retrievers")["one"] is retrievers["one"] is made.part("retrievers.one")
    for name in ("query_encoder", "contextualizer", "reranker", "expander"):
        assert made.part(name) is None


def test_a_query_encoder_is_handed_over_where_there_is_one(host):
    made = assembled(host, query_encoder={"use": "fake-encoder", "model": "tiny"})
    assert made.part("retrievers")["one"].query_encoder is made.part("query_encoder")
    assert made.part("query_encoder").model == "tiny"


def test_an_encoder_without_token_spans_is_no_tokenizer(host):
    assert assembled(host, encoder={"use": "deaf"}).part("chunker").tokenizer is None


def test_a_part_is_not_handed_to_itself_nor_an_encoder_as_a_tokenizer(host):
    made = assembled(host, encoder={"use": "deaf"}, query_encoder={"use": "deaf"})
    assert made.part("encoder").encoder is None
    assert made.part("query_encoder").encoder is made.part("encoder")
    assert made.part("query_encoder").tokenizer is None


def test_the_folder_is_handed_to_the_store(host, tmp_path):
    assert assembled(host, index=tmp_path).part("store").path == tmp_path
    assert assembled(host).part("store").path is None
    table = {"use": "fake-store", "path": "elsewhere"}
    assert assembled(host, store=table, index=tmp_path).part("store").path == Path("elsewhere")
    made = assembled(host, store={"use": "folder"}, index=tmp_path)
    made.check()
    assert made.part("store").path == tmp_path
    assert "p.toml: [store] lacks the key 'path', wanted Path" in message(
        assembled(host, store={"use": "folder"}).check
    )


def test_objects_win_over_tables(host):
    encoder, retriever = FakeEncoder(), FakeRetriever(None)
    made = assembled(
        host,
        encoder={"use": "nothing-like-it"},
        given={"encoder": encoder, "retrievers": {"mine": retriever}, "reranker": None},
    )
    made.check()
    assert made.part("encoder") is encoder
    assert made.part("retrievers") == {"mine": retriever}
    assert made.part("reranker") is None
    assert made.part("chunker").tokenizer is encoder


def test_one_given_retriever_needs_no_fusion(host):
    retriever = FakeRetriever(None)
    one = {"retrievers": {"mine": retriever}}
    two = {"retrievers": {"mine": retriever, "other": retriever}}
    config = Config.of({})
    assert Assembly(config, host, given=one).part("fusion") is None
    assert "fusion" in Assembly(config, host, given=two)._tables
    assert assembled(host, given=one).part("fusion") is not None


def test_given_parts_are_checked(host):
    assert message(lambda: assembled(host, given={"encodr": 1})).startswith(
        "no part named 'encodr'; did you mean 'encoder'? Known: chunker, "
    )
    assert "a mapping of names" in message(lambda: assembled(host, given={"retrievers": [1]}))
    assert "retrievers is empty" in message(lambda: assembled(host, given={"retrievers": {}}))


def test_values_take_the_type_of_their_argument(host):
    table = {"use": "fake-chunker", "marks": ["a", "b"], "ratio": 1, "folder": "x", "strict": True}
    chunker = assembled(host, chunker=table).part("chunker")
    assert chunker.marks == ("a", "b")
    assert chunker.ratio == 1.0
    assert chunker.folder == Path("x")
    assert chunker.strict is True


WHO = "(the chunker 'fake-chunker' of Fakes)"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"chunk_size": "big"}, "chunk_size: found 'big', wanted int"),
        ({"chunk_size": "5"}, "chunk_size: found '5', wanted int"),
        ({"chunk_size": True}, "chunk_size: found True, wanted int"),
        ({"chunk_size": 1.5}, "chunk_size: found 1.5, wanted int"),
        ({"strict": 1}, "strict: found 1, wanted bool"),
        ({"ratio": "x"}, "ratio: found 'x', wanted float"),
        ({"folder": 5}, "folder: found 5, wanted Path | None"),
        ({"on_truncate": "warm"}, "on_truncate: found 'warm', wanted 'error' or 'warn'"),
        ({"marks": [1]}, "marks.0: found 1, wanted a valid string"),
        ({"marks": "ab"}, "marks: found 'ab', wanted tuple[str, ...]"),
        (
            {"chunk_siz": 5},
            f"has no key 'chunk_siz' {WHO}; did you mean 'chunk_size'? Known: chunk_overlap, "
            "chunk_size, folder, marks, on_truncate, ratio, strict, tokenizer.",
        ),
    ],
)
def test_a_wrong_argument_names_table_key_and_plugin(host, table, said):
    made = assembled(host, chunker={"use": "fake-chunker", **table})
    for check in (made.check, lambda: made.part("chunker")):
        found = message(check)
        assert found.startswith(f"p.toml: [chunker] {said}")
        assert WHO in found


def test_a_long_value_is_shortened(host):
    made = assembled(host, chunker={"use": "fake-chunker", "chunk_size": "x" * 1000})
    assert len(message(made.check)) < 200


def test_a_missing_argument_is_named(host):
    made = assembled(host, reranker={"use": "fake-reranker"})
    assert message(made.check) == (
        "p.toml: [reranker] lacks the key 'model', wanted str "
        "(the reranker 'fake-reranker' of Fakes)"
    )


def test_any_key_where_the_constructor_takes_any(host):
    made = assembled(host, expander={"use": "open", "a": 1, "b": "@@x"})
    made.check()
    assert made.part("expander").settings == {"a": 1, "b": "@x"}


def test_an_unknown_name_names_the_table(host):
    made = assembled(host, encoder={"use": "statik"})
    found = message(made.check, kind=UnknownNameError)
    assert found.startswith(
        "p.toml: [encoder] use = 'statik': no encoder named 'statik'; did you mean 'static'? Known:"
    )
    assert message(made.part, "encoder", kind=UnknownNameError) == found
    made = assembled(host, retrievers={"dens": {"depth": 5}})
    assert message(made.check, kind=UnknownNameError).startswith(
        "p.toml: [retrievers.dens] has no key 'use', and no retriever named 'dens'; "
        "did you mean 'dense'? Known: bm25, cascade, dense, "
    )


def test_references_hand_over_parts(host):
    made = assembled(
        host,
        reranker={"use": "fake-reranker", "model": "m", "other": ["@retrievers.two", "@@x", "y"]},
    )
    made.check()
    other = made.part("reranker").other
    assert other[0] is made.part("retrievers")["two"]
    assert other[1:] == ["@x", "y"]


def test_a_reference_may_name_a_given_part(host):
    encoder = DeafEncoder()
    made = assembled(
        host,
        reranker={"use": "fake-reranker", "model": "m", "other": {"deep": "@query_encoder"}},
        given={"query_encoder": encoder},
    )
    assert made.part("reranker").other == {"deep": encoder}


def test_a_reference_to_nothing_is_told_before_anything_is_built(host):
    found = message(
        lambda: assembled(
            host, reranker={"use": "fake-reranker", "model": "m", "other": "@retriever.one"}
        )
    )
    assert found.startswith(
        "p.toml: [reranker] other = '@retriever.one': there is no part 'retriever.one'; "
        "did you mean 'retrievers.one'? Known: chunker, encoder, store, fusion, "
    )


def test_references_in_a_circle_are_told_as_a_path(host):
    found = message(
        lambda: assembled(
            host,
            encoder={"use": "deaf", "encoder": "@reranker"},
            reranker={"use": "fake-reranker", "model": "m", "other": ["@chunker"]},
            chunker={"use": "fake-chunker", "tokenizer": "@encoder"},
        )
    )
    assert found.startswith("p.toml: [chunker] refers to itself: ")
    assert "chunker -> encoder -> reranker -> chunker" in found
    found = message(lambda: assembled(host, encoder={"use": "deaf", "encoder": "@encoder"}))
    assert "encoder -> encoder" in found


def test_a_circle_through_what_is_handed_over_is_told_when_it_is_built(host):
    made = assembled(host, encoder={"use": "deaf", "tokenizer": "@retrievers.one"})
    found = message(made.part, "chunker")
    assert "encoder -> retrievers.one -> encoder" in found
    assert message(made.part, "encoder") == found
