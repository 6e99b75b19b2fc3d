"""Settings that every test shares."""

from hypothesis import settings

# A property's speed is the machine's, not the property's.
settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")
