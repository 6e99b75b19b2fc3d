"""Plugins: found, registered, asked for by name, and set aside where they fail."""

from retrievo.host.host import Host

__all__ = ["Host"]
