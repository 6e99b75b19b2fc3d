import json
import warnings

import pytest
from fake_plugins import Fakes

from retrievo.config import Config
from retrievo.config.defaults import part_tables
from retrievo.errors import ConfigError, PluginError, RetrievoWarning, UnknownNameError
from retrievo.host import Host


@pytest.fixture(scope="module")
def host():
    return Host([Fakes()])


def parts(tables, host, store="memory"):
    return part_tables(Config.of(tables), host.registry, store)


def uses(tables, host, store="memory"):
    found = parts(tables, host, store)
    return {name: part.use for name, part in found.items() if not name.startswith("readers.")}


DEFAULTS = {
    "chunker": "windows",
    "encoder": "static",
    "store": "memory",
    "fusion": "convex",
    "retrievers.dense": "dense",
    "retrievers.bm25": "bm25",
}


def test_an_absent_table_takes_the_default(host):
    assert uses({}, host) == DEFAULTS
    assert uses({}, host, store="local") == {**DEFAULTS, "store": "local"}
    assert all(part.default and not part.arguments for part in parts({}, host).values())
    readers = [name for name in parts({}, host) if name.startswith("readers.")]
    assert readers == [f"readers.{name}" for name in host.registry.names("readers")]


def test_a_table_without_use_takes_the_default_of_its_place(host):
    found = parts({"chunker": {"chunk_size": 128}, "store": {}}, host, "local")
    assert (found["chunker"].use, found["chunker"].arguments) == ("windows", {"chunk_size": 128})
    assert found["store"].use == "local"
    assert not found["chunker"].default
    assert not found["chunker"].named


def test_any_retrievers_table_replaces_all_default_retrievers(host):
    tables = {"retrievers": {"a": {"use": "fake-retriever", "depth": 5}, "bm25": {}}}
    found = uses(tables, host)
    assert found["retrievers.a"] == "fake-retriever"
    assert found["retrievers.bm25"] == "bm25"
    assert "retrievers.dense" not in found
    assert found["fusion"] == "convex"


def test_one_retriever_needs_no_fusion(host):
    assert "fusion" not in uses({"retrievers": {"dense": {}}}, host)
    tables = {"retrievers": {"dense": {}}, "fusion": {"use": "rrf"}}
    assert uses(tables, host)["fusion"] == "rrf"


def test_a_place_without_a_default_needs_use(host):
    with pytest.raises(ConfigError) as caught:
        parts({"reranker": {"model": "x"}}, host)
    said = "configuration: [reranker] has no key 'use', which names the component. Known: "
    assert str(caught.value).startswith(said)
    assert "fake-reranker" in str(caught.value)


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        (
            {"chunkr": {"use": "x"}},
            "there is no place for the table [chunkr]; did you mean 'chunker'?",
        ),
        ({"retriever": {}}, "the table [retriever]; did you mean 'retrievers'? Known: format, "),
        ({"name": "x"}, "there is no place for the key 'name'"),
        ({"encoder": "static"}, "encoder = 'static': a table [encoder] is wanted"),
        ({"encoder": {"use": 5}}, "[encoder] use: found 5, wanted a name"),
        ({"retrievers": {"use": "dense"}}, "[retrievers] use = 'dense': [retrievers] holds a tab"),
        ({"retrievers": {"a": {"use": []}}}, "[retrievers.a] use: found [], wanted a name"),
        ({"retrievers": {}}, "[retrievers] is empty"),
        ({"readers": []}, "readers = []: a table [readers] is wanted"),
        ({"format": 2}, "format = 2, this Retrievo reads format 1"),
        ({"format": "1"}, "format = '1', this Retrievo reads format 1"),
        ({"format": True}, "format = True, this Retrievo reads format 1"),
    ],
)
def test_a_malformed_configuration_is_one_line(tables, said):
    with pytest.raises(ConfigError) as caught:
        Config.of(tables, source="my.toml")
    assert str(caught.value).startswith("my.toml: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_tables_are_kept_as_given_and_copied():
    given = {"chunker": {"marks": ["a"], "deep": {"x": 1}}}
    config = Config.of(given)
    assert config.tables == {"chunker": {"marks": ["a"], "deep": {"x": 1}}}
    given["chunker"]["marks"].append("b")
    given["chunker"]["deep"]["x"] = 2
    assert config.tables == {"chunker": {"marks": ["a"], "deep": {"x": 1}}}


def test_files_are_read_by_their_suffix(tmp_path, host):
    tables = {"format": 1, "chunker": {"chunk_size": 9}}
    for name, text in {
        "a.toml": "\ufeffformat = 1\n[chunker]\nchunk_size = 9\n",
        "a.json": json.dumps(tables),
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        config = Config.read(tmp_path / name, host)
        assert config.tables == tables
        assert config.source == str(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.toml", b"format = 1\n[chunker\n", "malformed TOML: "),
        ("a.toml", b"format = 1\n[chunker\n", "(at line 2, column 9)"),
        ("a.toml", b"a = 1\na = 2\n", "line 2"),
        ("a.toml", b"format = 1\n# \xff\n", "line 2: not UTF-8"),
        ("a.json", b'{"format": 1,\n}', "malformed JSON: "),
        ("a.json", b'{"format": 1,\n}', "at line 2, column 1"),
        ("a.json", b"[]", "found a list, an object of tables is wanted"),
        ("a.json", b'{"a": {"b": 1, "b": 2}}', "the key 'b' stands twice in one object"),
        ("a.ini", b"", "no plugin reads '.ini'; .toml and .json are built in"),
        ("a", b"", "no plugin reads 'a file without a suffix'"),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path, host, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        Config.read(path, host)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_names_the_way_out(tmp_path, host):
    with pytest.raises(ConfigError, match=r"none.toml is not there; `retrievo init` writes one"):
        Config.read(tmp_path / "none.toml", host)
    with pytest.raises(ConfigError, match="is a folder"):
        Config.read(tmp_path, host)


def test_named_pipelines(host):
    config = Config.named("fake-tables", host)
    assert config.tables == {"chunker": {"use": "fake-chunker"}}
    assert config.source == "pipeline 'fake-tables' of Fakes"
    assert Config.named("fake-made", host).tables["chunker"]["chunk_size"] == 9
    with pytest.raises(UnknownNameError, match="no pipeline named 'fake'"):
        Config.named("fake", host)
    with pytest.raises(PluginError, match="the pipeline 'fake-wrong' of Fakes gave a int"):
        Config.named("fake-wrong", host)
    with pytest.raises(PluginError, match="'fake-file' of Fakes cannot be made: ModuleNotFound"):
        Config.named("fake-file", host)


def test_a_secret_that_is_written_out_is_told_masked_and_not_saved(tmp_path):
    with pytest.warns(RetrievoWarning, match=r'\[encoder\] api_key is a secret.*api_key = "env:'):
        config = Config.of({"encoder": {"use": "x", "api_key": "hush", "max_tokens": 5}})
    assert config.masked() == {"encoder": {"use": "x", "api_key": "***", "max_tokens": 5}}
    assert config.without_secrets() == {"encoder": {"use": "x", "max_tokens": 5}}
    with pytest.raises(ConfigError, match=r"\[encoder\] api_key is a secret") as caught:
        config.save(tmp_path / "a.toml")
    assert "hush" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_secrets_are_found_in_tables_of_tables():
    with pytest.warns(RetrievoWarning) as warned:
        Config.of(
            {"retrievers": {"a": {"use": "x", "token": "t", "headers": {"Authorization": "b"}}}}
        )
    assert [str(one.message).split(" is a")[0] for one in warned] == [
        "configuration: [retrievers.a] token",
        "configuration: [retrievers.a] headers.Authorization",
    ]


def test_what_is_no_secret_is_not_told():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Config.of(
            {
                "encoder": {"api_key": "env:KEY", "token": "", "password": 5, "secret": "@store"},
                "chunker": {"tokenizer": "x", "max_tokens": "5", "keywords": "a"},
            }
        )


def test_what_is_saved_is_what_was_given(tmp_path, host):
    tables = {
        "encoder": {"use": "acme", "api_key": "env:ACME_KEY", "prompts": {"query": "q: "}},
        "retrievers": {"a": {"use": "dense"}, "b c": {"depth": 5}},
        "fusion": {"use": "convex", "weights": {"a": 0.5, "b c": 0.5}},
    }
    for name in ("a.toml", "a.json"):
        Config.of(tables).save(tmp_path / name)
        assert Config.read(tmp_path / name, host).tables == {"format": 1, **tables}
    assert (tmp_path / "a.toml").read_text() == (
        "format = 1\n\n"
        '[encoder]\nuse = "acme"\napi_key = "env:ACME_KEY"\nprompts = {query = "q: "}\n\n'
        '[retrievers.a]\nuse = "dense"\n\n[retrievers."b c"]\ndepth = 5\n\n'
        '[fusion]\nuse = "convex"\nweights = {a = 0.5, "b c" = 0.5}\n'
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "a.toml"]


def test_saving_fails_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text("old")
    with pytest.raises(ConfigError, match=r"chunker.x: TOML cannot hold a NoneType; leave the key"):
        Config.of({"chunker": {"x": None}}).save(path)
    assert path.read_text() == "old"
    with pytest.raises(ConfigError, match=r"a.json: JSON cannot hold this configuration"):
        Config.of({"chunker": {"x": object()}}).save(tmp_path / "a.json")
    with pytest.raises(ConfigError, match=r"saved as .toml or .json, not as '.yaml'"):
        Config.of({}).save(tmp_path / "a.yaml")
    with pytest.raises(ConfigError, match="cannot be written: No such file"):
        Config.of({}).save(tmp_path / "no" / "a.toml")


@pytest.mark.parametrize("name", ["api_key", "auth", "bearer", "credentials", "password", "pat"])
def test_secrets_under_their_usual_names_are_neither_shown_nor_kept(name):
    with pytest.warns(RetrievoWarning, match="secret that is written out"):
        config = Config.of({"encoder": {"use": "x", name: "s3cr3t"}})
    assert "s3cr3t" not in str(config.masked()) + str(config.without_secrets())


@pytest.mark.parametrize(
    "address",
    ["https://me:s3cr3t@host/x", "http://host/?api_key=s3cr3t", "http://h/?a=1&token=s3cr3t"],
)
def test_an_address_that_carries_a_secret_is_one(address):
    with pytest.warns(RetrievoWarning, match="secret that is written out"):
        config = Config.of({"store": {"use": "x", "url": address}})
    assert "s3cr3t" not in str(config.masked()) + str(config.without_secrets())


def test_a_list_of_secrets_is_one():
    with pytest.warns(RetrievoWarning):
        config = Config.of({"encoder": {"use": "x", "token": ["s3cr3t"]}})
    assert "s3cr3t" not in str(config.masked())


@pytest.mark.parametrize(
    ("suffix", "text"), [(".toml", "a" + ".a" * 5000 + " = 1"), (".json", "[" * 10**5)]
)
def test_a_file_that_is_nested_too_deep(tmp_path, suffix, text):
    path = tmp_path / f"p{suffix}"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"p\.(toml|json)"):
        Config.read(path, Host())


@pytest.mark.parametrize("value", ["static", 3, {"use": "static"}, True])
def test_a_part_is_handed_over_by_reference_only(tmp_path, value):
    from retrievo import Pipeline

    config = Config.of({"retrievers": {"dense": {"encoder": value}, "bm25": {}}})
    config.save(tmp_path / "p.json")
    with pytest.raises(ConfigError, match=r"\[retrievers\.dense\] encoder: found .* \"@encoder\""):
        Pipeline.from_toml(tmp_path / "p.json")
