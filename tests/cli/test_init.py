import json
import tomllib

from retrievo.config import Config
from retrievo.config.defaults import part_tables
from retrievo.host import Host


def test_it_writes_the_defaults(retrievo, tmp_path):
    result = retrievo("init")
    assert result.exit_code == 0
    assert "pipeline.toml" in result.stderr and result.stdout == ""
    host = Host([], block=[])
    written = part_tables(Config.read(tmp_path / "pipeline.toml", host), host.registry, "local")
    default = part_tables(Config.of({"format": 1}), host.registry, "local")
    assert {place: part.use for place, part in written.items()} == {
        place: part.use for place, part in default.items()
    }


def test_it_does_not_replace_a_file_unless_told_to(retrievo, tmp_path):
    (tmp_path / "mine.toml").write_text("precious")
    result = retrievo("init", "mine.toml")
    assert result.exit_code == 2
    assert "--force" in result.stderr
    assert (tmp_path / "mine.toml").read_text() == "precious"

    assert retrievo("init", "mine.toml", "--force").exit_code == 0
    assert tomllib.loads((tmp_path / "mine.toml").read_text())["format"] == 1


def test_json_names_the_file(retrievo):
    assert json.loads(retrievo("init", "--json").stdout) == {"path": "pipeline.toml"}
