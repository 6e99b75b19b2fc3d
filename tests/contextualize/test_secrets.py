"""Where the key of a chat service comes from, and where it never goes."""

import pytest
from answering_server import Answer, serving
from chat_server import Chat, documents

from retrievo import Pipeline
from retrievo.errors import ConfigError, RetrievoWarning

pytest.importorskip("httpx", reason="needs the extra 'remote'")

from retrievo.contextualize import blurb

KEY = "sk-very-secret-0123456789"


def test_the_key_is_in_nothing_that_is_kept_or_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_KEY", KEY)
    monkeypatch.setenv("MY_HEADER", header := "another-secret-987")

    def fail(body):
        said = {"error": {"message": f"no credit for {KEY} {header}"}}
        return Answer(402, said) if len(chat.bodies) == 3 else None

    chat = Chat(fail=fail)
    with serving(chat) as url:
        (tmp_path / "p.toml").write_text(
            "[chunker]\nchunk_size = 6\nchunk_overlap = 0\n[contextualizer]\n"
            f'use = "blurb"\nmodel = "m"\nbase_url = "{url}/v1"\napi_key = "env:MY_KEY"\n'
            'concurrency = 1\nheaders = {"X-Api-Key" = "env:MY_HEADER"}\n'
        )
        with Pipeline.from_toml(tmp_path / "p.toml", index=tmp_path / "x.index") as pipeline:
            report = pipeline.index(documents("a"))
            pipeline.save(tmp_path / "saved.toml")
            contextualizer = pipeline._assembly.part("contextualizer")
            shown = f"{report.warnings} {pipeline.passport!r} {contextualizer!r}"
            shown += f"{contextualizer.parameters()} {pipeline.plan(documents('a'))}"
    assert {one["Authorization"] for one in chat.headers} == {f"Bearer {KEY}"}
    assert {one["X-Api-Key"] for one in chat.headers} == {header}
    assert "no credit for *** ***" in shown and KEY not in shown and header not in shown
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "p.toml"]
    assert any(path.name == "x.index.blurbs.sqlite" for path in files)
    for file in files:
        data = file.read_bytes()
        assert KEY.encode() not in data and header.encode() not in data, file


def test_a_key_of_the_environment_goes_to_its_own_service_alone(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    chat = Chat()
    with serving(chat) as url:
        for own in (blurb.OPENAI, f"{url}/v1"):
            monkeypatch.setattr(blurb, "OPENAI", own)
            part = Pipeline.part("contextualizer", "blurb", model="m", base_url=f"{url}/v1/")
            given = documents("a")[0]
            part.contextualize(given, Pipeline.part(
                "chunker", "recursive", chunk_size=6, chunk_overlap=0).chunk(given))  # fmt: skip
            part.close()
    sent = [one.get("Authorization") for one in chat.headers]
    assert sent == [None] * 3 + [f"Bearer {KEY}"] * 3


def test_a_missing_key_is_told_with_its_table(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("MY_KEY", raising=False)
    with pytest.raises(ConfigError, match="'MY_KEY', which api_key names, is not set"):
        blurb.BlurbContextualizer("m", api_key="env:MY_KEY")
    chat = Chat(fail=lambda body: Answer(401))
    with serving(chat) as url:
        part = blurb.BlurbContextualizer("m", base_url=f"{url}/v1")
        given = documents("a")[0]
        chunks = Pipeline.part("chunker", "recursive", chunk_size=6, chunk_overlap=0).chunk(given)
        with pytest.warns(RetrievoWarning) as told:
            part.contextualize(given, chunks)
        part.close()
    said = " ".join(str(one.message) for one in told)
    assert "the api key is missing; set api_key = 'env:NAME' in [contextualizer]" in said


def test_a_key_that_is_written_out_is_told_and_not_saved(tmp_path):
    (tmp_path / "p.toml").write_text(
        f'[contextualizer]\nuse = "blurb"\nmodel = "m"\napi_key = "{KEY}"\n'
    )
    with pytest.warns(RetrievoWarning, match="api_key is a secret that is written out") as told:
        pipeline = Pipeline.from_toml(tmp_path / "p.toml")
    assert KEY not in str(told[0].message) and KEY not in repr(pipeline.config)
    pipeline.close()
