"""A server that others wrote: infinity-emb, with the MiniLM weights, in an environment of its own.

It needs older libraries than the tests. RETRIEVO_INFINITY names the Python of an environment that
has it; with RETRIEVO_INFINITY=build one is made in the user's cache folder, once, with pip.
"""

import os
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

VARIABLE = "RETRIEVO_INFINITY"
NEEDS = "infinity-emb[torch,server]==0.0.78"
_START_S = 120


def infinity_python():
    """The Python that has the server: the one that is named, or one that is built."""
    named = os.environ[VARIABLE]
    return _built() if named == "build" else Path(named)


def _built():
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "retrievo-tests" / "infinity-0.0.78"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        # The torch of the tests: without CUDA where theirs is, and in pip's own cache already.
        torch = f"torch=={version('torch')}"
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", NEEDS, torch], check=True)
        (folder / "complete").touch()
    return python


@contextmanager
def serving(python, model, port, log):
    """The server's address, in float32 and with plain attention."""
    command = [
        str(python.with_name("infinity_emb")), "v2",
        "--model-id", str(model), "--served-model-name", "minilm", "--engine", "torch",
        "--device", "cpu", "--dtype", "float32", "--no-bettertransformer", "--no-compile",
        "--no-model-warmup", "--no-trust-remote-code", "--no-vector-disk-cache",
        "--host", "127.0.0.1", "--port", str(port),
    ]  # fmt: skip
    environment = {
        **os.environ, "HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1",
        "INFINITY_ANONYMOUS_USAGE_STATS": "0", "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    environment.pop("PYTHONPATH", None)
    url = f"http://127.0.0.1:{port}"
    with log.open("wb") as out:
        server = subprocess.Popen(command, stdout=out, stderr=out, env=environment)
        try:
            _wait(server, url, log)
            yield url
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait(server, url, log):
    until = time.monotonic() + _START_S
    while True:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except OSError:
            pass
        ended = server.poll() is not None
        if ended or time.monotonic() > until:
            what = "ended" if ended else f"did not answer within {_START_S} s"
            raise RuntimeError(f"infinity {what}:\n{log.read_text('utf-8', 'replace')[-3000:]}")
        time.sleep(0.2)
