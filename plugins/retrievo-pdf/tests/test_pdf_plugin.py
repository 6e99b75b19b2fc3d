import subprocess
import sys
from importlib import import_module

from retrievo_pdf import plugin


def test_it_registers_a_reader_that_is_there():
    entries = {}
    plugin.retrievo_register_readers(entries.__setitem__)
    assert set(entries) == {"pdf"}
    module, name = entries["pdf"].split(":")
    assert getattr(import_module(module), name)().suffixes == {".pdf"}


def test_the_plugin_is_light():
    code = "import sys, retrievo_pdf.plugin; sys.exit('pypdf' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
