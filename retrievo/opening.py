"""What an index in a folder was made with, for the pipeline that opens it again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retrievo.binding import check_objects
from retrievo.config import Config
from retrievo.config.assembly import Assembly
from retrievo.host import Host


def stored_configuration(
    path: Path, host: Host, parts: Mapping[str, Any]
) -> tuple[Config, Mapping[str, Any]]:
    """The configuration of the index and the parts with its open store; defaults where it is new.

    Raises StoreError and what derives from it, ConfigError where the index was made with an object
    that is missing, or with a plugin that is.
    """
    store = host.registry.resolve("stores", "local")(path)
    if not store.exists():
        return Config.of({}), parts
    store.open(None)
    own = parts.get("store") is None
    try:
        stored = store.config() or {}
        check_objects(stored.get("objects", {}), parts, path)
        config = Config.of(stored.get("tables", {}), source=f"the index {path}")
        given = {**parts, "store": store} if own else parts
        Assembly(config, host, given=given, index=path).check_names()
    except BaseException:
        store.close()
        raise
    if not own:
        store.close()
    return config, given
