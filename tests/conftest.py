"""Settings that every test shares."""

import os

from hypothesis import settings

# A property's speed is the machine's, not the property's. On a branch's checks the same examples
# come each time, so that a red run can be run again; new ones are looked for on every other run.
settings.register_profile("any-machine", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("any-machine")
