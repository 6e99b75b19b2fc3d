"""The PDF plugin as pip installs it, and what Retrievo says where it is not there."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

import retrievo

ROOT = Path(retrievo.__file__).parent.parent
PLUGIN = ROOT / "plugins" / "retrievo-pdf"

pytestmark = [pytest.mark.installed, pytest.mark.slow]


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    target = tmp_path_factory.mktemp("package")
    options = ["--no-deps", "--quiet", "--disable-pip-version-check", "--target", str(target)]
    if find_spec("hatchling"):
        options.append("--no-build-isolation")
    command = [sys.executable, "-m", "pip", "install", *options, str(PLUGIN)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture
def folder(tmp_path):
    spec = spec_from_file_location("minimal_pdf", PLUGIN / "tests" / "minimal_pdf.py")
    minimal = module_from_spec(spec)
    spec.loader.exec_module(minimal)
    files = tmp_path / "files"
    files.mkdir()
    (files / "report.pdf").write_bytes(minimal.pdf(["The annual budget of the museum", "Page two"]))
    (files / "broken.pdf").write_bytes(b"%PDF-1.7 and nothing more")
    (files / "note.txt").write_text("A note about bread.")
    return files


def run(folder, *arguments, extra=None):
    """What a command prints as JSON, in a process that sees the package or does not."""
    path = os.pathsep.join([*([str(extra)] if extra else []), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-m", "retrievo", *arguments, "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        cwd=folder.parent,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_without_the_plugin_it_says_how_to_get_it(folder):
    report = run(folder, "index", "files", "--index", "i")
    assert report["documents"]["added"] == 1
    told = [line for line in report["warnings"] if "report.pdf" in line]
    assert len(told) == 1 and "pip install retrievo-pdf" in told[0]


def test_with_the_plugin_a_pdf_is_found_with_its_page(folder, package):
    report = run(folder, "index", "files", "--index", "i", extra=package)
    assert report["documents"]["added"] == 2
    assert any("broken.pdf" in line for line in report["warnings"])
    hits = run(folder, "search", "museum budget", "--index", "i", extra=package)["hits"]
    assert hits[0]["doc_id"] == "report.pdf" and "annual budget" in hits[0]["text"]
    assert hits[0]["metadata"]["pages"] == 2
    listed = run(folder, "plugins", extra=package)
    assert [p["distribution"] for p in listed if p["name"] == "pdf"] == ["retrievo-pdf"]


def test_its_own_tests_pass_against_the_installed_package(package):
    path = os.pathsep.join([str(package), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(PLUGIN / "tests")],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        cwd=PLUGIN,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout
