"""Settings that every test shares."""

import os

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
