"""Parts as they are built: variables, secrets, constructors that raise, readers, threads."""

import threading
from dataclasses import replace

import pytest
from assemblies import assembled, message
from fake_plugins import (
    FakeChunker,
    FakeEncoder,
    FakeReader,
    Fakes,
)

from retrievo import Document, Pipeline
from retrievo.config import Config
from retrievo.config.assembly import Assembly
from retrievo.errors import (
    ConfigError,
    MismatchError,
    MissingExtraError,
    PluginError,
    RetrievoWarning,
    UnknownNameError,
)
from retrievo.hookspecs import hookimpl
from retrievo.host import Host


@pytest.fixture(scope="module")
def host():
    return Host([Fakes()])


WHO = "(the chunker 'fake-chunker' of Fakes)"


def test_variables_are_put_in_when_a_part_is_built(host, monkeypatch):
    monkeypatch.setenv("FAKE_KEY", "hush")
    monkeypatch.setenv("FAKE_LAYERS", "3")
    table = {"use": "fake-encoder", "api_key": "env:FAKE_KEY", "layers": "env:FAKE_LAYERS"}
    made = assembled(host, encoder=table)
    monkeypatch.setenv("FAKE_KEY", "hush hush")
    assert made.part("encoder").api_key == "hush hush"
    assert made.part("encoder").layers == 3
    assert made.config.tables["encoder"] == table


def test_a_variable_that_is_not_set_is_named(host, monkeypatch):
    monkeypatch.delenv("FAKE_KEY", raising=False)
    made = assembled(host, encoder={"use": "fake-encoder", "api_key": "env:FAKE_KEY"})
    made.check()
    assert message(made.part, "encoder") == (
        "p.toml: [encoder] api_key: the environment variable 'FAKE_KEY' is not set; "
        "export it and run again"
    )


def test_a_variable_of_the_wrong_type_is_named_and_not_shown(host, monkeypatch):
    monkeypatch.setenv("FAKE_LAYERS", "seven")
    made = assembled(host, encoder={"use": "fake-encoder", "layers": "env:FAKE_LAYERS"})
    assert message(made.part, "encoder") == (
        "p.toml: [encoder] layers: the environment variable 'FAKE_LAYERS' does not hold "
        "int | None (the encoder 'fake-encoder' of Fakes)"
    )


def test_no_error_shows_a_secret(host, monkeypatch):
    monkeypatch.setenv("FAKE_KEY", "hush")
    for key in ("env:FAKE_KEY", "hush"):
        table = {"use": "fake-encoder", "model": "broken", "api_key": key}
        config = None
        if key == "hush":
            with pytest.warns(RetrievoWarning):
                config = Config.of({"encoder": table})
        made = Assembly(config or Config.of({"encoder": table}), host)
        with pytest.raises(ConfigError) as caught:
            made.part("encoder")
        assert str(caught.value) == (
            "configuration: [encoder] cannot be built: ValueError: no weights for broken, "
            "key *** (the encoder 'fake-encoder' of Fakes)"
        )
        assert caught.value.__suppress_context__
    with pytest.warns(RetrievoWarning):
        config = Config.of({"fusion": {"use": "fake-fusion", "weights": {"token": "hush"}}})
    found = message(Assembly(config, host).check)
    assert found.startswith("configuration: [fusion] weights: found")
    assert "hush" not in found


def test_a_constructor_that_raises_is_chained(host):
    made = assembled(host, encoder={"use": "fake-encoder", "model": "broken"})
    with pytest.raises(ConfigError, match="cannot be built: ValueError: no weights") as caught:
        made.part("encoder")
    assert isinstance(caught.value.__cause__, ValueError)
    made = assembled(host, encoder={"use": "fake-encoder", "model": "refused"})
    assert message(made.part, "encoder") == (
        "p.toml: [encoder] model 'refused' is too old (the encoder 'fake-encoder' of Fakes)"
    )


class Raising:
    """Offers an encoder whose constructor raises what it is told to."""

    def __init__(self, error):
        self.error = error

    @hookimpl
    def retrievo_register_encoders(self, register):
        register("raising", self.make)

    def make(self):
        raise self.error


def test_errors_of_our_own_pass_through_and_missing_modules_are_told():
    error = PluginError("mine")
    with pytest.raises(PluginError) as caught:
        assembled(Host([Fakes(), Raising(error)]), encoder={"use": "raising"}).part("encoder")
    assert caught.value is error
    missing = ModuleNotFoundError("No module named 'kernels'", name="kernels")
    made = assembled(Host([Fakes(), Raising(missing)]), encoder={"use": "raising"})
    assert "needs 'kernels'" in message(made.part, "encoder", kind=MissingExtraError)


def test_a_name_that_two_plugins_claim_names_the_table():
    host = Host([Fakes(), Raising(None), Raising(None)])
    made = assembled(host, encoder={"use": "raising"})
    assert message(made.check, kind=PluginError).startswith(
        "p.toml: [encoder] use: the encoder 'raising' is registered by Raising and Raising-2"
    )


def test_readers_are_all_that_can_be_built(host):
    tables = {"readers": {"mine": {"use": "needy", "prefix": "x"}, "fake-reader": {"field": "b"}}}
    made = assembled(host, tables)
    made.check()
    readers = made.part("readers")
    assert readers["fake-reader"].field == "b"
    assert readers["mine"].field == "x"
    assert "needy" not in readers
    assert "lacks the key 'prefix'" in str(made.unavailable["needy"])


def test_a_reader_that_a_table_names_must_be_built(host):
    made = assembled(host, {"readers": {"needy": {}}})
    assert "[readers.needy] lacks the key 'prefix'" in message(made.part, "readers")


def test_given_readers_stand_beside_the_registered(host):
    reader = FakeReader()
    readers = assembled(host, given={"readers": {"mine": reader, "text": reader}}).part("readers")
    assert readers["mine"] is readers["text"] is reader
    assert "fake-reader" in readers


def test_default_tables_are_checked_without_an_import(host):
    import sys

    before = set(sys.modules)
    Assembly(Config.of({}), host).check()
    assert not {name for name in set(sys.modules) - before if name.startswith("retrievo.")}


def test_a_part_that_does_not_exist(host):
    assert "there is no part 'encodr'; did you mean 'encoder'?" in message(
        assembled(host).part, "encodr"
    )


def test_make_builds_one_component_by_name(host):
    made = assembled(host)
    chunker = made.make("chunker", "fake-chunker", chunk_size=7, marks=("a",))
    assert isinstance(chunker, FakeChunker)
    assert (chunker.chunk_size, chunker.marks) == (7, ("a",))
    assert chunker.tokenizer is made.part("encoder")
    mine = FakeEncoder()
    assert made.make("chunkers", "fake-chunker", tokenizer=mine).tokenizer is mine
    assert message(lambda: made.make("chunker", "fake-chunker", chunk_size="x")).startswith(
        "chunker 'fake-chunker': chunk_size: found 'x', wanted int"
    )
    message(lambda: made.make("chunker", "nothing"), kind=UnknownNameError)


def test_threads_build_a_part_once():
    built, barrier = [], threading.Barrier(2, timeout=10)

    class Slow:
        @hookimpl
        def retrievo_register_stores(self, register):
            register("slow", self.make)

        def make(self):
            built.append(1)
            threading.Event().wait(0.05)
            return object()

    made = assembled(Host([Fakes(), Slow()]), store={"use": "slow"})
    found = []

    def search():
        barrier.wait()
        found.append(made.part("store"))

    threads = [threading.Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1
    assert found[0] is found[1]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"encoder": "static"}, r"encoder is 'static'; an object is wanted.*Pipeline\.part"),
        ({"encoder": FakeEncoder}, "encoder is the class FakeEncoder"),
        ({"reranker": FakeReader()}, "reranker is a FakeReader, which has no 'rank'"),
        ({"retrievers": {"mine": 3}}, "retrievers 'mine' is 3"),
        ({"chunker": print}, "which has no 'chunk'"),
    ],
)
def test_what_cannot_be_a_part_is_told_at_once(host, given, told):
    with pytest.raises(ConfigError, match=told):
        assembled(host, given=given)


def test_fusion_weights_are_compared_with_the_retrievers_before_anything_is_indexed(tmp_path):
    from retrievo import Pipeline

    path = tmp_path / "p.toml"
    path.write_text("[fusion]\nweights = {dense = 0.2, bm52 = 0.8}\n")
    with pytest.raises(ConfigError, match=r"p\.toml: \[fusion\] weights name \['bm52', 'dense'\]"):
        Pipeline.from_toml(path)


def test_a_chunker_for_an_encoder_counts_with_that_ones_tokens():
    class Letters:
        dim, max_tokens, fingerprint = 2, 10, "letters"

        def token_spans(self, text):
            return [(at, at + 1) for at in range(len(text))]

        def encode_query(self, texts):
            return [[0.0, 1.0]] * len(texts)

        encode_document = encode_query

    chunker = Pipeline.part("chunker", "recursive", encoder=Letters(), chunk_overlap=0)
    text = "some words of text"
    assert [chunk.text for chunk in chunker.chunk(Document("d", text))] == ["some words", "of text"]


def test_an_index_of_the_old_default_is_told_what_to_write(tmp_path):
    class Short:
        dim, max_tokens, fingerprint = 2, 100, "short"

        def encode_query(self, texts):
            return [[0.0, 1.0]] * len(texts)

        encode_document = encode_query

    with Pipeline.open(tmp_path / "index", encoder=Short()) as pipeline:
        pipeline.index([Document("d", "some words")])
        store, before = pipeline.store, {**pipeline.passport.chunker, "chunk_size": 256}
        store.stamp(replace(pipeline.passport, chunker=before), store.config())
    with (
        Pipeline.open(tmp_path / "index", encoder=Short()) as pipeline,
        pytest.raises(MismatchError, match="write use = 'recursive' and chunk_size = 256"),
    ):
        pipeline.index([Document("e", "more words")])
