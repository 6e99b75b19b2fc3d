"""Who holds an index, as far as the folder tells."""

import json
import socket
import subprocess
import sys

from retrievo.store.local.folder import HOLDER, held_by


def told(path, **holder):
    (path / HOLDER).write_text(json.dumps(holder))
    return held_by(path)


def test_the_living_are_named_and_the_dead_are_not(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    here = socket.gethostname()
    assert "held by another process;" in told(tmp_path, pid=gone.pid, host=here)
    # Of another machine's processes nothing is known.
    assert f"process {gone.pid} on elsewhere" in told(tmp_path, pid=gone.pid, host="elsewhere")
    living = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert f"held by process {living.pid} on {here}" in told(tmp_path, pid=living.pid, host=here)
    living.communicate(b"\n")


def test_a_damaged_or_missing_file_names_nobody(tmp_path):
    assert "held by another process;" in held_by(tmp_path)
    for text in ("", "{", "[]", "{}", '{"pid": "x", "host": 3}'):
        (tmp_path / HOLDER).write_text(text)
        assert "is held by" in held_by(tmp_path)
