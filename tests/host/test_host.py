import subprocess
import sys
from dataclasses import dataclass

import pytest
from fake_plugins import install

from retrievo import __version__
from retrievo.errors import PluginError, UnknownNameError
from retrievo.hookspecs import hookimpl
from retrievo.host.host import Host

REGISTER = """
from retrievo.hookspecs import hookimpl
@hookimpl
def retrievo_register_encoders(register):
    register({name!r}, "{package}.encoder:Encoder", extra="gpu")
"""


class Chunkers:
    def __init__(self, *names):
        self.names = names

    @hookimpl
    def retrievo_register_chunkers(self, register):
        for name in self.names:
            register(name, str)


def ours(host):
    return [broken for broken in host.registry.broken if broken.plugin != "builtin"]


def test_the_built_ins_are_one_ordinary_plugin():
    entries = Host().registry.entries()
    builtin = {(entry.kind, entry.name) for entry in entries if entry.plugin == "builtin"}
    assert ("encoders", "static") in builtin
    assert ("stores", "memory") in builtin
    assert {entry.version for entry in entries if entry.plugin == "builtin"} == {__version__}
    assert Host(block=["builtin"]).registry.names("chunkers") == []


def test_an_installed_retrievo_does_not_load_the_built_ins_twice(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    info = tmp_path / f"retrievo-{__version__}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: retrievo\nVersion: {__version__}\n"
    )
    (info / "entry_points.txt").write_text("[retrievo]\nbuiltin = retrievo.builtin\n")
    host = Host()
    assert host.registry.broken == []
    assert host.registry.clashes() == []
    assert "static" in host.registry.names("encoders")


def test_two_distributions_with_one_plugin_name(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    install(tmp_path, "hostd", REGISTER.format(name="hostd", package="retrievo_hostd"))
    install(tmp_path, "hoste", REGISTER.format(name="hoste", package="retrievo_hoste"))
    points = tmp_path / "retrievo_hoste-0.1.0.dist-info" / "entry_points.txt"
    points.write_text("[retrievo]\nhostd = retrievo_hoste.plugin\nagain = retrievo_hostd.plugin\n")
    host = Host()
    reasons = sorted(broken.reason for broken in host.registry.broken)
    assert "another plugin has the name 'hostd' already" in reasons
    assert any(reason.startswith("it is loaded already, as ") for reason in reasons)


def test_nothing_is_imported_to_know_what_there_is():
    code = (
        "import sys\n"
        "from retrievo.host import Host\n"
        "host = Host()\n"
        "[host.registry.available(entry) for entry in host.registry.entries()]\n"
        "heavy = ['numpy', 'torch', 'sentence_transformers', 'pydantic', 'typer', 'httpx']\n"
        "heavy += ['retrievo.encode.static', 'retrievo.store.local.store']\n"
        "found = [name for name in heavy if name in sys.modules]\n"
        "assert not found, found\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_entry_names_plugin_distribution_and_version(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    package = install(tmp_path, "hosta", REGISTER.format(name="hosta", package="retrievo_hosta"))
    host = Host()
    assert not ours(host)
    entry = host.registry.entry("encoders", "hosta")
    assert (entry.plugin, entry.distribution, entry.version) == ("hosta", "retrievo-hosta", "0.1.0")
    assert entry.extra == "gpu"
    assert f"{package}.encoder" not in sys.modules


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import hostb_core", "No module named 'hostb_core'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("def f(:", "SyntaxError: invalid syntax"),
    ],
)
def test_a_plugin_that_cannot_be_imported_is_set_aside(tmp_path, monkeypatch, source, reason):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "retrievo_hostb", raising=False)
    install(tmp_path, "hostb", source, version="0.3")
    host = Host()
    [broken] = ours(host)
    assert (broken.plugin, broken.distribution, broken.version) == (
        "hostb",
        "retrievo-hostb",
        "0.3",
    )
    assert broken.reason.startswith(reason)
    assert "\n" not in broken.reason
    assert "Traceback" in broken.traceback
    assert "retrievo_hostb" in broken.traceback
    assert "static" in host.registry.names("encoders")
    with pytest.raises(UnknownNameError, match=r"Not loaded: hostb \(retrievo-hostb 0.3\): "):
        host.registry.entry("encoders", "hostb")


def test_blocked_plugins_are_not_even_imported(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    install(tmp_path, "hostc", "1 / 0")
    monkeypatch.setenv("RETRIEVO_BLOCK", "onnx, hostc")
    host = Host()
    assert not ours(host)
    assert host.registry.blocked == ["hostc"]
    with pytest.raises(UnknownNameError, match="Not loaded: hostc: blocked by RETRIEVO_BLOCK"):
        host.registry.entry("encoders", "hostc")
    assert [broken.plugin for broken in ours(Host(block=()))] == ["hostc"]


def test_a_misspelt_hook_is_told_with_the_right_one():
    class Misspelt(Chunkers):
        @hookimpl
        def retrievo_register_encoder(self, register):
            register("x", str)

    host = Host([Misspelt("mine"), Chunkers("other")])
    [broken] = ours(host)
    assert broken.reason == (
        "there is no hook 'retrievo_register_encoder'; did you mean 'retrievo_register_encoders'?"
    )
    assert "mine" not in host.registry.names("chunkers")
    assert "other" in host.registry.names("chunkers")


def test_a_hook_with_another_argument_is_told():
    class Wrong:
        @hookimpl
        def retrievo_register_chunkers(self, registry):
            registry("x", str)

    [broken] = ours(Host([Wrong()]))
    assert "retrievo_register_chunkers" in broken.reason
    assert "registry" in broken.reason
    assert "\n" not in broken.reason


def test_a_hook_without_the_mark_is_told():
    class Unmarked:
        def retrievo_register_chunkers(self, register):
            register("x", str)

    [broken] = ours(Host([Unmarked()]))
    assert broken.reason == "its retrievo_register_chunkers is not marked with @hookimpl"


def test_a_plugin_without_hooks_is_told():
    [broken] = ours(Host([object()]))
    assert broken.reason.startswith("it implements no hook; known: retrievo_read_config, ")


def test_a_hook_that_raises_takes_back_what_its_plugin_registered():
    class Half(Chunkers):
        @hookimpl
        def retrievo_register_encoders(self, register):
            register("half-encoder", str)
            raise RuntimeError("no\n  device")

        @hookimpl
        def retrievo_stage_done(self, event):
            raise AssertionError("set aside plugins hear nothing")

    host = Host([Half("half"), Chunkers("whole")])
    [broken] = ours(host)
    assert broken.reason == "RuntimeError: no device"
    assert "in retrievo_register_encoders" in broken.traceback
    assert "half" not in host.registry.names("chunkers")
    assert "half-encoder" not in host.registry.names("encoders")
    assert "whole" in host.registry.names("chunkers")
    assert not host.listening


def test_a_malformed_name_sets_its_plugin_aside():
    [broken] = ours(Host([Chunkers("good", "Not Good")]))
    assert "the chunker name 'Not Good' is malformed" in broken.reason


def test_two_plugins_with_one_name_lose_that_name_only():
    class Others(Chunkers):
        pass

    host = Host([Chunkers("same", "one"), Others("same", "two", "recursive")])
    assert not ours(host)
    assert {"one", "two"} <= set(host.registry.names("chunkers"))
    with pytest.raises(PluginError, match="'same' is registered by Chunkers and Others"):
        host.registry.resolve("chunkers", "same")
    assert host.registry.entry("chunker", "recursive").plugin == "builtin"
    assert len(host.registry.clashes()) == 2


def test_objects_of_one_class_get_names_of_their_own():
    host = Host([Chunkers("a"), Chunkers("b"), Chunkers("c")])
    found = [host.registry.entry("chunkers", name) for name in "abc"]
    assert [entry.plugin for entry in found] == ["Chunkers", "Chunkers-2", "Chunkers-3"]
    assert found[0].distribution is None


def test_a_plugin_that_is_given_twice_counts_once():
    plugin = Chunkers("once")
    host = Host([plugin, plugin])
    assert not ours(host)
    assert "once" in host.registry.names("chunkers")


def test_a_plugin_that_pluggy_cannot_hold_does_not_harm_others():
    @dataclass
    class Unhashable:
        names: list

        @hookimpl
        def retrievo_register_chunkers(self, register):
            register("x", str)

    host = Host([Unhashable([]), Chunkers("y")])
    assert [broken.reason for broken in ours(host)] == ["TypeError: unhashable type: 'Unhashable'"]
    assert "y" in host.registry.names("chunkers")


def test_hosts_share_nothing():
    one, two = Host([Chunkers("mine")]), Host()
    assert "mine" in one.registry.names("chunkers")
    assert "mine" not in two.registry.names("chunkers")
