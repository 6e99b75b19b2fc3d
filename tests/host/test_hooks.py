"""Hooks that are called later: listeners, configuration files; and their documentation."""

import re
import sys
from pathlib import Path

import pytest
from fake_plugins import Fakes

from retrievo import hookspecs
from retrievo.errors import ConfigError, PluginError
from retrievo.events import StageDone
from retrievo.hookspecs import hookimpl
from retrievo.host.host import HOOKS, Host


def ours(host):
    return [broken for broken in host.registry.broken if broken.plugin != "builtin"]


class Listener:
    def __init__(self, error=None):
        self.heard, self.error = [], error

    @hookimpl
    def retrievo_stage_done(self, event):
        self.heard.append(event)
        if self.error:
            raise self.error


def test_listeners_hear_of_steps():
    assert not Host().listening
    listener = Listener()
    host = Host([listener, Fakes()])
    assert host.listening
    event = StageDone("encode", 0.25, 12, {"encoder": "static"})
    host.stage_done(event)
    assert listener.heard == [event]


def test_a_listener_that_raises_is_named():
    host = Host([Listener(OSError("full"))])
    with pytest.raises(PluginError, match="raised OSError: full; listening: Listener"):
        host.stage_done(StageDone("read", 0.0, 1))


class YamlReader:
    @hookimpl
    def retrievo_read_config(self, path):
        if path.suffix == ".list":
            return ["no", "tables"]
        if path.suffix != ".yaml":
            return None
        text = path.read_text()
        if text == "broken":
            raise ValueError("line 1")
        return {"encoder": {"use": text}}


def test_configuration_files_of_a_plugin(tmp_path):
    host = Host([YamlReader()])
    path = tmp_path / "a.yaml"
    path.write_text("static")
    assert host.read_config(path) == {"encoder": {"use": "static"}}
    path.write_text("broken")
    with pytest.raises(ConfigError, match=r"a\.yaml: ValueError: line 1"):
        host.read_config(path)
    with pytest.raises(ConfigError, match=r"b\.list: found a list, tables are wanted"):
        host.read_config(tmp_path / "b.list")
    with pytest.raises(ConfigError, match=r"no plugin reads '.ini'; .toml and .json are built in"):
        host.read_config(tmp_path / "a.ini")


PAGE = Path(__file__).parents[2] / "docs" / "reference" / "hooks.md"


def test_every_hook_is_in_the_docs_and_every_hook_of_the_docs_exists():
    page = PAGE.read_text(encoding="utf-8")
    titles = re.findall(r"^## `(retrievo_\w+)\(\w+\)`$", page, re.MULTILINE)
    assert sorted(titles) == sorted(HOOKS)
    assert set(re.findall(r"\bretrievo_(?:register_|read_|stage_)\w+", page)) == set(HOOKS)


@pytest.mark.parametrize("name", sorted(HOOKS))
def test_every_hook_says_what_it_is_for(name):
    assert getattr(hookspecs, name).__doc__


def test_the_examples_of_the_docs_are_plugins():
    page = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= len(HOOKS)
    for block in blocks:
        module = type(sys)("example")
        exec(block, module.__dict__)
        host = Host([module])
        assert not ours(host), block
