"""Settings that every test shares."""

import os
import sys

import pytest
from hypothesis import settings
from indexing import small

from retrievo import Pipeline

# A property's speed is the machine's, not the property's. On a branch's checks the same examples
# come each time, so that a red run can be run again; new ones are looked for on every other run.
settings.register_profile("any-machine", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("any-machine")


@pytest.fixture(params=["memory", "local"])
def make(request, tmp_path):
    def pipeline(**parts):
        if request.param == "memory":
            return Pipeline(**small(**parts))
        return Pipeline.open(tmp_path / "index", **small(**parts))

    return pipeline


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    """Have "auto" compute in float32, as on a machine without bfloat16.

    Most tests of transformers compare numbers to 1e-5, which bfloat16 does not give; those of the
    narrow formats ask for them, or say that the machine has them.
    """
    opening = sys.modules.get("retrievo.encode.transformer.opening")
    if opening is not None and opening.has_bfloat16 is not _no_bfloat16:
        opening.has_bfloat16 = _no_bfloat16


def _no_bfloat16(device):
    return False
