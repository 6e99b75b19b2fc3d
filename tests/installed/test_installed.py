"""Two packages as pip installs them: a good one, used by name, and a broken one, told of."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import retrievo

HERE = Path(__file__).parent
ROOT = Path(retrievo.__file__).parent.parent

pytestmark = [pytest.mark.installed, pytest.mark.slow]


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """A folder that both packages are installed into."""
    target = tmp_path_factory.mktemp("packages")
    options = ["--no-deps", "--quiet", "--disable-pip-version-check", "--target", str(target)]
    if find_spec("hatchling"):
        options.append("--no-build-isolation")
    for name in ("retrievo-good", "retrievo-broken"):
        command = [sys.executable, "-m", "pip", "install", *options, str(HERE / name)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return target


def run(packages, code, **variables):
    """What the code prints as JSON, in a process of its own that sees the packages."""
    path = os.pathsep.join([str(packages), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": path, **variables}
    done = subprocess.run(
        [sys.executable, "-c", "import json\nfrom retrievo.host import Host\n" + code],
        capture_output=True,
        text=True,
        env=environment,
        cwd=packages,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_good_plugin_is_there_by_name(packages):
    found = run(
        packages,
        "print(json.dumps([[e.kind, e.name, e.plugin, e.distribution, e.version]"
        " for e in Host().registry.entries() if e.plugin == 'good']))",
    )
    who = ["good", "retrievo-good", "1.2.3"]
    assert found == [
        ["chunkers", "good-lines", *who],
        ["encoders", "good-hardware", *who],
        ["encoders", "good-letters", *who],
        ["pipelines", "good-pipeline", *who],
    ]


def test_the_broken_plugin_is_told_and_stops_nothing(packages):
    found = run(
        packages,
        "registry = Host().registry\n"
        "[broken] = registry.broken\n"
        "try: registry.entry('encoder', 'broken')\n"
        "except KeyError as error: said = str(error)\n"
        "print(json.dumps([broken.origin, broken.reason, broken.traceback,"
        " registry.names('encoders'), said]))",
    )
    origin, reason, traceback, encoders, said = found
    assert origin == "broken (retrievo-broken 0.0.1)"
    assert reason == "RuntimeError: this plugin is broken on purpose"
    assert "retrievo_broken" in traceback
    assert {"static", "good-letters"} <= set(encoders)
    assert said.endswith(f"Not loaded: {origin}: {reason}")


def test_a_named_pipeline_of_an_installed_package_is_built(packages):
    found = run(
        packages,
        "from retrievo.config.assembly import Assembly\n"
        "from retrievo.config import Config\n"
        "from retrievo.types import Document\n"
        "host = Host()\n"
        "config = Config.named('good-pipeline', host)\n"
        "made = Assembly(config, host)\n"
        "made.check()\n"
        "chunks = made.part('chunker').chunk(Document('d', 'one\\ntwo'))\n"
        "vectors = made.part('encoder').encode_query(['aab'])\n"
        "print(json.dumps([config.source, made.part('chunker').chunk_size,"
        " [c.text for c in chunks], vectors.shape, float(vectors[0, 1])]))",
    )
    source, size, texts, shape, share = found
    assert source == "pipeline 'good-pipeline' of good (retrievo-good 1.2.3)"
    assert (size, texts, shape) == (20, ["one\n", "two"], [1, 26])
    assert share == pytest.approx(1 / 5**0.5)


def test_a_missing_extra_is_told_with_the_pip_line(packages):
    found = run(
        packages,
        "registry = Host().registry\n"
        "entry = registry.entry('encoder', 'good-hardware')\n"
        "try: registry.resolve('encoder', 'good-hardware')\n"
        "except ImportError as error: said = str(error)\n"
        "print(json.dumps([registry.available(entry), said]))",
    )
    available, said = found
    assert available == [False, "retrievo-no-such-hardware>=2"]
    assert said.endswith("run: pip install 'retrievo-good[hardware]'")


def test_a_blocked_plugin_is_not_loaded(packages):
    found = run(
        packages,
        "host = Host()\n"
        "print(json.dumps([host.registry.blocked, [b.plugin for b in host.registry.broken],"
        " 'good-lines' in host.registry.names('chunkers')]))",
        RETRIEVO_BLOCK="broken",
    )
    assert found == [["broken"], [], True]
