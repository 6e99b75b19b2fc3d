"""Deleting, optimizing, copying, tenants and syncing from the command line."""

import json

import pytest


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    for name, text in (("keys.md", "Rotate the keys."), ("doors.md", "Lock the doors.")):
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def indexed(retrievo, notes):
    result = retrievo("index", notes)
    assert result.exit_code == 0, result.output
    return retrievo


def test_delete_tells_what_was_not_there(indexed):
    result = indexed("delete", "keys.md", "nobody.md", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"deleted": 1, "missing": ["nobody.md"]}
    assert "not in the index: nobody.md" in result.stderr
    result = indexed("delete", "doors.md")
    assert (result.exit_code, result.stdout) == (0, "1 document deleted\n")


def test_a_synced_folder_loses_what_is_gone(indexed, notes):
    (notes / "keys.md").unlink()
    result = indexed("index", notes, "--delete-missing", "--dry-run", "--json")
    assert json.loads(result.stdout)["documents"]["delete"] == ["keys.md"]
    result = indexed("index", notes, "--delete-missing", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["documents"]["deleted"] == 1
    assert "keys" not in indexed("search", "keys", "--json").stdout.split('"hits"')[1]


def test_tenants_are_named_on_every_command(retrievo, notes):
    assert retrievo("index", notes, "--tenant", "acme").exit_code == 0
    assert retrievo("search", "keys", "--tenant", "acme").exit_code == 0
    assert retrievo("explain", "keys", "--doc", "keys.md", "--tenant", "acme").exit_code == 0
    for wrong in (("search", "keys"), ("delete", "keys.md"), ("index", notes)):
        result = retrievo(*wrong)
        assert result.exit_code == 1 and "give tenant=" in result.stderr
    assert retrievo("delete", "keys.md", "--tenant", "acme").exit_code == 0
    stats = json.loads(retrievo("doctor", "--index", "retrievo.index", "--json").stdout)
    assert stats["index"]["stats"]["tenants"] == 1


def test_optimize_and_doctor_tell_how_vectors_are_kept(indexed):
    result = indexed("optimize", "--vacuum", "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["representations"]["dense"]["coding"] == "float32" and told["bytes_on_disk"] > 0
    assert "MB on disk" in indexed("optimize").stdout
    assert "dense: 2 dense vectors" in indexed("doctor", "--index", "retrievo.index").output


def test_a_snapshot_is_searched_like_an_index_and_not_written(indexed, notes):
    assert indexed("snapshot", "copy").exit_code == 0
    (notes / "keys.md").write_text("Something else.")
    assert indexed("index", notes).exit_code == 0
    result = indexed("search", "rotate the keys", "--index", "copy", "--json")
    assert json.loads(result.stdout)["hits"][0]["text"] == "Rotate the keys."
    result = indexed("index", notes, "--index", "copy")
    assert result.exit_code == 1 and "snapshot" in result.stderr
    result = indexed("snapshot", "copy")
    assert result.exit_code == 1 and "copy" in result.stderr


def test_a_store_that_cannot_says_so(retrievo, tmp_path):
    config = tmp_path / "memory.toml"
    config.write_text('format = 1\n[store]\nuse = "memory"\n')
    result = retrievo("snapshot", "copy", "--config", config)
    assert result.exit_code == 1


def test_a_store_that_keeps_nothing_in_a_folder_says_so(retrievo, notes, tmp_path):
    config = tmp_path / "memory.toml"
    config.write_text('format = 1\n[store]\nuse = "memory"\n')
    result = retrievo("index", notes, "--config", config, "--index", "x.index")
    assert result.exit_code == 0 and "keeps nothing when this command ends" in result.stderr


def test_a_dry_run_names_what_it_would_delete(indexed, notes):
    (notes / "keys.md").unlink()
    result = indexed("index", notes, "--delete-missing", "--dry-run")
    assert "would delete: keys.md" in result.stderr and "delete 1" in result.stdout
