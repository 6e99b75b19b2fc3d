import sys

import pytest
from fake_plugins import FakeChunker, install

from retrievo.errors import ConfigError, MissingExtraError, PluginError, UnknownNameError
from retrievo.host.extras import available, pip_line
from retrievo.host.registry import KINDS, Broken, Entry, Registry


def registry_with(*names, kind="encoders", plugin="acme"):
    registry = Registry()
    for name in names:
        registry.register(kind, name, FakeChunker, plugin=plugin)
    return registry


@pytest.mark.parametrize(
    "name", ["", "Static", "two words", "under_score", "-a", "a-", "a--b", "1a", "é", None, 5]
)
def test_a_name_is_lower_case_words(name):
    with pytest.raises(PluginError, match=r"plugin acme \(retrievo-acme 1.0\).*malformed"):
        Registry().register(
            "encoders", name, FakeChunker,
            plugin="acme", distribution="retrievo-acme", version="1.0",
        )  # fmt: skip


@pytest.mark.parametrize("name", ["bm25", "sentence-transformers", "a", "a1-2b"])
def test_good_names(name):
    assert registry_with(name).names("encoders") == [name]


@pytest.mark.parametrize(
    "target", ["", "module", "module:", ":Name", "a b:C", "a:b:C", 5, None, {}]
)
def test_a_target_is_a_dotted_name_or_a_callable(target):
    with pytest.raises(
        PluginError, match=r"the encoder 'x' has the target .*'package.module:Name'"
    ):
        Registry().register("encoders", "x", target, plugin="acme")


@pytest.mark.parametrize("target", ["module", "package:", 5, None])
def test_a_pipeline_is_tables_a_file_or_a_callable(target):
    with pytest.raises(PluginError, match="a mapping of tables"):
        Registry().register("pipelines", "x", target, plugin="acme")


@pytest.mark.parametrize("target", [{}, "package:file.toml", "a.b:sub/file.json", dict])
def test_good_pipelines(target):
    registry = Registry()
    registry.register("pipelines", "x", target, plugin="acme")
    assert registry.entry("pipeline", "x").target == target


def test_an_extra_is_a_name():
    with pytest.raises(PluginError, match=r"has the extra \[\]"):
        Registry().register("encoders", "x", FakeChunker, extra=[], plugin="acme")


def test_one_plugin_cannot_register_a_name_twice():
    registry = registry_with("x")
    with pytest.raises(PluginError, match="'x' is registered twice by this plugin"):
        registry.register("encoders", "x", FakeChunker, plugin="acme")


def test_the_same_name_may_serve_two_kinds():
    registry = registry_with("x")
    registry.register("stores", "x", FakeChunker, plugin="other")
    assert registry.clashes() == []
    assert registry.entry("store", "x").plugin == "other"


def test_of_two_plugins_neither_gets_the_name_and_both_are_told():
    registry = registry_with("x", "mine")
    registry.register("encoders", "x", FakeChunker, plugin="zeta", distribution="z", version="2")
    registry.register("encoders", "theirs", FakeChunker, plugin="zeta")
    with pytest.raises(PluginError) as caught:
        registry.entry("encoder", "x")
    assert str(caught.value) == (
        "the encoder 'x' is registered by acme and zeta (z 2); "
        "uninstall one of them, or set RETRIEVO_BLOCK=zeta"
    )
    assert registry.names("encoder") == ["mine", "theirs"]
    assert [str(clash) for clash in registry.clashes()] == [str(caught.value)]


def test_a_built_in_keeps_its_name():
    registry = registry_with("static", plugin="builtin")
    registry.register("encoders", "static", str, plugin="acme")
    assert registry.entry("encoders", "static").plugin == "builtin"
    assert registry.entries() == [registry.entry("encoders", "static")]
    [clash] = registry.clashes()
    assert clash.kept.plugin == "builtin"
    assert "registered by builtin and acme; the built-in one is used" in str(clash)


def test_a_plugin_that_is_withdrawn_frees_its_names():
    registry = registry_with("x", "y")
    registry.register("encoders", "x", str, plugin="zeta")
    registry.withdraw("acme")
    assert registry.names("encoders") == ["x"]
    assert registry.entry("encoder", "x").plugin == "zeta"
    assert registry.clashes() == []


def test_an_unknown_name_as_the_design_has_it():
    registry = registry_with("openai", "sentence-transformers", "static")
    registry.broken.append(
        Broken("acme", "retrievo-acme", "0.1.0", "No module named 'acme_core'", "")
    )
    with pytest.raises(UnknownNameError) as caught:
        registry.entry("encoder", "statik")
    assert str(caught.value) == (
        "no encoder named 'statik'; did you mean 'static'? "
        "Known: openai, sentence-transformers, static. "
        "Not loaded: acme (retrievo-acme 0.1.0): No module named 'acme_core'"
    )


def test_an_unknown_name_where_nothing_is_alike():
    registry = registry_with("static")
    with pytest.raises(UnknownNameError) as caught:
        registry.entry("encoder", "zzz")
    assert str(caught.value) == "no encoder named 'zzz'. Known: static."
    with pytest.raises(KeyError, match=r"no reranker named 'zzz'. Known: none."):
        registry.resolve("rerankers", "zzz")


def test_an_unknown_kind():
    with pytest.raises(ConfigError, match="no kind of component named 'encodr'; did you mean 'enc"):
        Registry().names("encodr")


def test_entries_are_ordered_by_kind_and_name():
    registry = registry_with("b", "a")
    registry.register("readers", "z", str, plugin="acme")
    registry.register("pipelines", "a", {}, plugin="acme")
    order = [(entry.kind, entry.name) for entry in registry.entries()]
    assert order == [("readers", "z"), ("encoders", "a"), ("encoders", "b"), ("pipelines", "a")]
    assert len(KINDS) == 10


def resolving(target, **more):
    registry = Registry()
    registry.register("encoders", "x", target, plugin="acme", **more)
    return registry.resolve("encoder", "x")


def test_a_target_is_imported_on_first_use(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "first_use.py").write_text("class Encoder:\n    class Inner: pass\n")
    registry = Registry()
    registry.register("encoders", "x", "first_use:Encoder", plugin="acme")
    registry.register("encoders", "inner", "first_use:Encoder.Inner", plugin="acme")
    assert "first_use" not in sys.modules
    found = registry.resolve("encoder", "x")
    assert found is sys.modules["first_use"].Encoder
    assert registry.resolve("encoders", "x") is found
    assert registry.resolve("encoders", "inner") is found.Inner


def test_a_callable_is_its_own_target():
    assert resolving(FakeChunker) is FakeChunker


def test_a_missing_dependency_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "wants_gpu.py").write_text("import no_such_gpu.kernels\n")
    with pytest.raises(MissingExtraError) as caught:
        resolving("wants_gpu:Encoder", extra="gpu", distribution="retrievo-acme", version="0.1.0")
    assert str(caught.value) == (
        "the encoder 'x' of acme (retrievo-acme 0.1.0) needs 'no_such_gpu', which is not "
        "installed; run: pip install 'retrievo-acme[gpu]'"
    )
    assert caught.value.name == "no_such_gpu"
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_a_missing_dependency_without_an_extra(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "wants_plain.py").write_text("import no_such_thing\n")
    with pytest.raises(MissingExtraError, match="run: pip install --upgrade retrievo-acme"):
        resolving("wants_plain:Encoder", distribution="retrievo-acme", version="0.1.0")
    with pytest.raises(MissingExtraError, match="install the distribution that brings it"):
        resolving("wants_plain:Encoder")


@pytest.mark.parametrize("missing", ["own_part.nowhere", "retrievo.nowhere"])
def test_a_missing_module_of_the_plugin_or_of_retrievo_is_no_extra(tmp_path, monkeypatch, missing):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_part", raising=False)
    (tmp_path / "own_part").mkdir()
    (tmp_path / "own_part" / "__init__.py").write_text("")
    (tmp_path / "own_part" / "encoder.py").write_text(f"import {missing}\n")
    with pytest.raises(PluginError, match=f"there is no module '{missing}'") as caught:
        resolving("own_part.encoder:Encoder", extra="gpu", distribution="d", version="1")
    assert not isinstance(caught.value, MissingExtraError)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("1 / 0", "raised_on raised ZeroDivisionError: division by zero"),
        ("from os import nowhere", "raised_on raised ImportError: cannot import name"),
        ("Other = 1", "raised_on has no 'Encoder'"),
        ("Encoder = 1", "is a int at raised_on:Encoder; a class or another callable is wanted"),
    ],
)
def test_a_module_that_cannot_be_used_names_its_plugin(tmp_path, monkeypatch, source, said):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "raised_on", raising=False)
    (tmp_path / "raised_on.py").write_text(source)
    with pytest.raises(PluginError) as caught:
        resolving("raised_on:Encoder")
    assert said in str(caught.value)
    assert "the encoder 'x' of acme" in str(caught.value)


def entry_of(distribution, extra):
    return Entry("encoders", "x", "a:B", extra, "acme", distribution, "1")


def test_availability_is_read_from_metadata(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    install(
        tmp_path,
        "needs",
        "",
        extras=["here", "gone", "old", "both", "beside"],
        requires=[
            "numpy>=1.0",
            "numpy>=1.0; extra == 'here'",
            'no-such-thing<3,>=2.0; extra == "gone"',
            "numpy[x]>=999.0 ; extra == 'old'",
            "retrievo-needs[gone,old,here]; extra == 'both'",
            "no-such-thing; sys_platform == 'nowhere' and extra == 'beside'",
        ],
    )
    found = {
        extra: available(entry_of("retrievo-needs", extra))
        for extra in ("here", "gone", "old", "both", "beside", "never")
    }
    assert found == {
        "here": (True, None),
        "gone": (False, "no-such-thing<3,>=2.0"),
        "old": (False, "numpy>=999.0"),
        "both": (False, "no-such-thing<3,>=2.0, numpy>=999.0"),
        "beside": (True, None),
        "never": (False, "the extra 'never', which retrievo-needs does not declare"),
    }


@pytest.mark.parametrize(
    ("least", "there"), [("2.6", True), ("2.6.0", True), ("2.6.0.1", False), ("2.10", False)]
)
def test_versions_are_compared_as_numbers(tmp_path, monkeypatch, least, there):
    monkeypatch.syspath_prepend(tmp_path)
    install(tmp_path, "counted", "", version="2.6.0rc1")
    install(
        tmp_path, "counts", "", extras=["e"], requires=[f"retrievo-counted>={least}; extra == 'e'"]
    )
    assert available(entry_of("retrievo-counts", "e"))[0] is there


def test_without_an_extra_or_a_distribution_it_is_available():
    assert available(entry_of("retrievo-acme", None)) == (True, None)
    assert available(entry_of(None, "gpu")) == (True, None)


def test_the_extras_of_the_built_ins_are_declared():
    for extra in ("models", "qdrant", "bm25", "tokens", "remote", "all"):
        _, needs = available(entry_of("retrievo", extra))
        assert needs is None or "does not declare" not in needs


def test_pip_lines():
    assert pip_line(entry_of("retrievo-acme", "gpu")) == "pip install 'retrievo-acme[gpu]'"
    assert pip_line(entry_of("retrievo-acme", None)) == "pip install --upgrade retrievo-acme"
    assert pip_line(entry_of(None, "gpu")) is None
