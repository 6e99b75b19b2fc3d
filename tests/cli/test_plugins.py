import json

import pytest

from retrievo import hookimpl
from retrievo.cli.doctor import diagnose
from retrievo.cli.plugins import components
from retrievo.host import Host


class Offers:
    """A plugin handed in by hand."""

    __name__ = "offers"

    @staticmethod
    @hookimpl
    def retrievo_register_encoders(register):
        register("far", "nowhere_at_all.encoder:Far")


class Fails:
    __name__ = "fails"

    @staticmethod
    @hookimpl
    def retrievo_register_encoders(register):
        raise RuntimeError("no luck")


class Takes:
    __name__ = "takes"

    @staticmethod
    @hookimpl
    def retrievo_register_stores(register):
        register("local", "nowhere_at_all.store:Mine")


def test_every_component_is_told_with_its_origin(retrievo):
    result = retrievo("plugins", "--json")
    assert result.exit_code == 0
    rows = json.loads(result.stdout)
    keys = {"kind", "name", "plugin", "distribution", "version", "available", "needs"}
    assert all(set(row) == keys for row in rows)
    static = next(row for row in rows if (row["kind"], row["name"]) == ("encoder", "static"))
    assert static["plugin"] == "builtin" and static["distribution"] == "retrievo"
    assert static["available"] is True and static["needs"] is None


def test_a_plugin_by_hand_is_listed_and_not_imported():
    rows = components(Host([Offers()]).registry)
    far = next(row for row in rows if row["name"] == "far")
    assert (far["kind"], far["plugin"], far["distribution"]) == ("encoder", "offers", None)


def test_the_table_names_everything(retrievo):
    out = retrievo("plugins").stdout
    for word in ("encoder", "static", "chunker", "recursive", "builtin"):
        assert word in out


def test_doctor_says_what_is_broken_and_that_the_rest_works():
    found = diagnose(Host([Fails(), Offers()]))
    assert found["ok"] is False
    (broken,) = found["broken"]
    assert broken["plugin"] == "fails" and broken["reason"] == "RuntimeError: no luck"
    assert broken["traceback"].startswith("Traceback") and "no luck" in broken["traceback"]


def test_doctor_tells_names_that_two_plugins_claim():
    found = diagnose(Host([Takes()]))
    assert found["ok"] is False
    assert "'local'" in found["clashes"][0] and "takes" in found["clashes"][0]


def test_doctor_names_missing_extras_with_the_pip_line(monkeypatch):
    monkeypatch.setattr(
        "retrievo.host.extras.available",
        lambda entry: (False, "torch>=2.6") if entry.extra == "models" else (True, None),
    )
    found = diagnose(Host([], block=[]))
    part = next(part for part in found["missing"] if part["name"] == "sentence-transformers")
    assert part["needs"] == "torch>=2.6"
    assert part["install"] == "pip install 'retrievo[models]'"


def test_doctor_prints_json_and_versions(retrievo, monkeypatch):
    monkeypatch.setattr("retrievo.host.Host._load_installed", lambda host: None)
    result = retrievo("doctor", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["ok"] is True and found["broken"] == [] and found["index"] == {}
    assert found["versions"]["numpy"] and found["versions"]["python"].startswith("3.")
    assert "everything works" in retrievo("doctor").stdout


def test_doctor_fails_for_an_index_that_is_not_there(retrievo, monkeypatch):
    monkeypatch.setattr("retrievo.host.Host._load_installed", lambda host: None)
    result = retrievo("doctor", "--json", "--index", "gone.index")
    assert result.exit_code == 1
    state = json.loads(result.stdout)["index"]
    assert (state["state"], state["ok"]) == ("missing", False)


def test_doctor_checks_a_configuration(retrievo, tmp_path):
    (tmp_path / "p.toml").write_text('format = 1\n[encoder]\nuse = "statik"\n')
    result = retrievo("doctor", "--config", "p.toml")
    assert result.exit_code == 2 and "statik" in result.stderr


@pytest.mark.parametrize("flag", [[], ["--json"]])
def test_schema_is_json(retrievo, flag):
    pytest.importorskip("retrievo.config.schema")
    schema = json.loads(retrievo("schema", *flag).stdout)
    assert "encoder" in schema["properties"]
