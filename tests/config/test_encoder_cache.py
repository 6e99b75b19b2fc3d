import pytest
from pipelines import CountingEncoder

from retrievo import hookimpl
from retrievo.config import Config
from retrievo.config.assembly import Assembly
from retrievo.config.signature import read_signature
from retrievo.encode.cache.cached import CachedEncoder
from retrievo.errors import ConfigError
from retrievo.host import Host


class OpenEncoder(CountingEncoder):
    def __init__(self, **given):
        super().__init__()
        self.given = given


class Plugin:
    @hookimpl
    def retrievo_register_encoders(self, register):
        register("counting", CountingEncoder)
        register("open", OpenEncoder)


def part(use, place="encoder", **arguments):
    assembly = Assembly(Config.of({place: {"use": use, **arguments}}), Host([Plugin()]))
    assembly.check()
    return assembly.part(place)


@pytest.mark.parametrize("arguments", [{}, {"cache": "off"}])
def test_without_a_cache_an_encoder_is_itself(arguments):
    assert type(part("counting", **arguments)) is CountingEncoder


@pytest.mark.parametrize("place", ["encoder", "query_encoder"])
def test_an_encoder_without_the_argument_gets_a_cache_around_it(tmp_path, place):
    path = str(tmp_path / "v.sqlite")
    made = part("counting", place, cache=path, fingerprint="x")
    assert type(made) is CachedEncoder and made.fingerprint == "x"
    assert str(made.cache.path) == path
    made.cache.close()


def test_auto_waits_for_an_index():
    assert part("counting", cache="auto").cache.path is None


def test_a_table_says_precision_and_size(tmp_path):
    table = {"path": str(tmp_path / "n.sqlite"), "precision": "int8", "max_mb": 5}
    made = part("counting", cache=table)
    vectors = made.encode_query(["abc"])
    assert made.cache.path == tmp_path / "n.sqlite"
    assert abs(vectors - CountingEncoder().encode_query(["abc"])).max() < 0.01
    made.cache.close()


def test_the_path_may_come_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("VECTORS", str(tmp_path / "e.sqlite"))
    made = part("counting", cache="env:VECTORS")
    assert made.cache.path == tmp_path / "e.sqlite"
    made.cache.close()


def test_an_encoder_that_takes_anything_takes_this_as_well():
    assert part("open", cache="./v.sqlite").given == {"cache": "./v.sqlite"}


@pytest.mark.parametrize("wrong", [3, True, "on", {"path": "v.sqlite", "precision": "int4"}])
def test_a_wrong_setting_is_refused(wrong):
    with pytest.raises(ConfigError, match=r"\[encoder\] cache"):
        part("counting", cache=wrong)


@pytest.mark.parametrize(("kind", "name"), [("encoders", "counting"), ("chunkers", "recursive")])
def test_the_schema_knows_the_key_of_encoders(kind, name):
    registry = Host([Plugin()]).registry
    signature = read_signature(registry.entry(kind, name), registry.resolve(kind, name))
    schema = signature.model.model_json_schema()
    assert ("cache" in schema["properties"]) == (kind == "encoders")
    if kind == "encoders":
        assert schema["properties"]["cache"]["default"] == "off"
        assert set(schema["$defs"]["VectorCache"]["properties"]) == {"path", "precision", "max_mb"}
