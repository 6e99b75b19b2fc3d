"""Where keys come from, and where they never go."""

import pickle

import pytest
from answering_server import Answer, Script, serving

from retrievo import Document, Pipeline
from retrievo.errors import ConfigError, EncoderError, RetrievoWarning

services = pytest.importorskip("retrievo.encode.remote.services", reason="needs the extra 'remote'")

KEY = "sk-very-secret-0123456789"


def sent(script):
    return [headers.get("Authorization") for _, _, headers, _ in script.seen]


def test_a_key_of_the_environment_goes_to_its_own_service_alone(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    script = Script(Answer(body={"data": [{"embedding": [1.0]}]}))
    with serving(script) as url:
        encoder = services.openai("m", base_url=url, dim=1, cache="off", encoding="float")
        encoder.encode_query(["one"])
        encoder.close()
        assert sent(script) == [None]
        monkeypatch.setattr(services, "OPENAI", url)
        encoder = services.openai("m", base_url=f"{url}/", dim=1, cache="off", encoding="float")
        encoder.encode_query(["one"])
        encoder.close()
    assert sent(script) == [None, f"Bearer {KEY}"]


@pytest.mark.parametrize(
    ("make", "variable"),
    [(services.openai, "OPENAI_API_KEY"), (services.cohere, "CO_API_KEY"),
     (services.jina, "JINA_API_KEY")],
)  # fmt: skip
def test_a_missing_key_is_told_by_its_variable(make, variable, monkeypatch):
    monkeypatch.delenv(variable, raising=False)
    with serving(Script(Answer(401))) as url:
        for name in ("OPENAI", "COHERE", "JINA"):
            monkeypatch.setattr(services, name, url)
        encoder = make("m", base_url=url, dim=1, cache="off")
        with pytest.raises(EncoderError, match=f"key is missing; set {variable}, or api_key"):
            encoder.encode_query(["one"])
        encoder.close()


def test_a_variable_may_be_named_in_python_too(monkeypatch):
    monkeypatch.delenv("MY_KEY", raising=False)
    with pytest.raises(ConfigError, match="'MY_KEY', which api_key names, is not set"):
        services.tei("m", api_key="env:MY_KEY")
    monkeypatch.setenv("MY_KEY", f"{KEY}\n")
    script = Script(Answer(body=[[1.0]]))
    with serving(script) as url:
        encoder = services.tei("m", base_url=url, api_key="env:MY_KEY", dim=1, cache="off")
        encoder.encode_query(["one"])
        encoder.close()
    assert sent(script) == [f"Bearer {KEY}"]


def test_the_key_is_in_nothing_that_is_kept_or_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_KEY", KEY)
    header = "another-secret-987"
    monkeypatch.setenv("MY_HEADER", header)
    with serving(Script(Answer(body=[[0.6, 0.8]]))) as url:
        (tmp_path / "p.toml").write_text(
            f'[encoder]\nuse = "tei"\nmodel = "m"\nbase_url = "{url}"\napi_key = "env:MY_KEY"\n'
            f'headers = {{"X-Api-Key" = "env:MY_HEADER"}}\ncache = "{tmp_path}/cache.sqlite"\n'
        )
        with Pipeline.from_toml(tmp_path / "p.toml", index=tmp_path / "x.index") as pipeline:
            pipeline.index([Document("a", "parrots talk")])
            assert pipeline.search("parrots")[0].doc_id == "a"
            pipeline.save(tmp_path / "saved.toml")
            shown = f"{pipeline.passport!r}"
        encoder = services.tei("m", base_url=url, api_key=KEY, headers={"X-Key": header})
        shown += f"{encoder!r} {encoder.fingerprint} {encoder.identity()} {vars(encoder)}"
        encoder.close()
    for file in [path for path in tmp_path.rglob("*") if path.is_file()]:
        if file.name != "p.toml":
            data = file.read_bytes()
            assert KEY.encode() not in data and header.encode() not in data, file
    assert KEY not in shown and header not in shown
    assert KEY.encode() not in pickle.dumps(shown)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"base_url": f"https://me:{KEY}@host"}, "holds a user, a password or a query"),
        ({"base_url": f"https://host/v1?key={KEY}"}, "holds a user, a password or a query"),
        ({"base_url": f"me:{KEY}@host/v1"}, "holds a user, a password or a query"),
        ({"base_url": f"https:///me:{KEY}@host"}, "holds a user, a password or a query"),
        ({"base_url": f"ftp://host/v1#{KEY}"}, "holds a user, a password or a query"),
        ({"base_url": "host:80"}, "https://HOST/PATH is wanted"),
        ({"base_url": "ftp://host"}, "https://HOST/PATH is wanted"),
        ({"base_url": "https://host:port"}, "no address"),
        ({"api_key": f"{KEY}\r\nX-Other: 1"}, "holds a line break"),
        ({"headers": {"X-Key": "a\nb"}}, "the header 'X-Key'"),
        ({"model": ""}, "name of a model"),
        ({"dim": 3, "dimensions": 4}, "give one"),
        ({"dimensions": 0}, "dimensions is 0"),
        ({"batch_items": 0}, "batch_items is 0"),
        ({"concurrency": 0}, "concurrency is 0"),
        ({"timeout_s": 0.0}, "timeout_s and deadline_s above 0"),
        ({"retries": -1}, "retries and backoff_s of 0 or more"),
        ({"on_truncate": "foo"}, "on_truncate is 'foo'; one of .*'window'"),
        ({"on_truncate": "split", "max_tokens": 9}, "wants max_tokens and tokenizer_file"),
        ({"tokenizer_file": "/no/such"}, "tokenizer_file = '/no/such' cannot be read"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_sent(arguments, said):
    with pytest.raises(ConfigError, match=said) as told:
        services.openai(**{"model": "m", **arguments})
    assert KEY not in str(told.value)


def test_certificates_that_are_not_there_are_told(tmp_path):
    encoder = services.openai("m", verify=tmp_path / "none.pem", dim=1, cache="off")
    with pytest.raises(ConfigError, match="holds no certificates"):
        encoder.encode_query(["one"])


def test_a_key_in_the_open_is_told():
    with pytest.warns(RetrievoWarning, match="unencrypted; use https"):
        services.tei("m", base_url="http://embeddings.example", api_key=KEY)
    services.tei("m", base_url="http://embeddings.example")
    services.tei("m", base_url="https://embeddings.example", api_key=KEY)
