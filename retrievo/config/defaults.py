"""The parts of a pipeline: what the configuration says, and the defaults where it says nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from retrievo.config import SINGLE, Config
from retrievo.errors import ConfigError
from retrievo.host.nearest import listed
from retrievo.host.registry import Registry

KIND = MappingProxyType(
    {
        "chunker": "chunkers",
        "contextualizer": "contextualizers",
        "encoder": "encoders",
        "query_encoder": "encoders",
        "store": "stores",
        "fusion": "fusions",
        "reranker": "rerankers",
        "expander": "expanders",
        "retrievers": "retrievers",
        "readers": "readers",
    }
)
"""The kind of component that each table makes."""

DEFAULT_USE = MappingProxyType({"chunker": "windows", "encoder": "static", "fusion": "convex"})
PARTS = frozenset({"encoder", "query_encoder", "store", "tokenizer"})
"""Arguments that receive the pipeline's own part where a table leaves them out."""

DEFAULT_RETRIEVERS = ("dense", "bm25")


@dataclass(frozen=True, slots=True)
class PartTable:
    """One part: its place (`encoder`, `retrievers.dense`), its component's name, its arguments.

    `named` is whether the table has a `use`, `default` whether there is no table at all.
    """

    place: str
    use: str
    arguments: Mapping[str, Any]
    named: bool = True
    default: bool = False

    @property
    def kind(self) -> str:
        return KIND[self.place.partition(".")[0]]


def part_tables(
    config: Config, registry: Registry, store: Literal["local", "memory"]
) -> dict[str, PartTable]:
    """Each part by its place; one retriever without a [fusion] table has no fusion.

    A table without `use` takes the default of its place, that of a retriever or reader its own
    name. Raises ConfigError where there is neither.
    """
    uses = {**DEFAULT_USE, "store": store}
    tables = config.tables
    retrievers = tables.get("retrievers")
    found: dict[str, PartTable] = {}
    for place in SINGLE:
        if place in tables:
            found[place] = _part(place, tables[place], uses.get(place), config, registry)
        elif place in uses and not (place == "fusion" and retrievers and len(retrievers) == 1):
            found[place] = PartTable(place, uses[place], {}, default=True)
    if retrievers is None:
        for name in DEFAULT_RETRIEVERS:
            found[f"retrievers.{name}"] = PartTable(f"retrievers.{name}", name, {}, default=True)
    for name, table in (retrievers or {}).items():
        found[f"retrievers.{name}"] = _part(f"retrievers.{name}", table, name, config, registry)
    readers = tables.get("readers", {})
    for name in registry.names("readers"):
        if name not in readers:
            found[f"readers.{name}"] = PartTable(f"readers.{name}", name, {}, default=True)
    for name, table in readers.items():
        found[f"readers.{name}"] = _part(f"readers.{name}", table, name, config, registry)
    return found


def _part(
    place: str, table: Mapping[str, Any], default: str | None, config: Config, registry: Registry
) -> PartTable:
    use = table.get("use", default)
    if use is None:
        known = registry.names(KIND[place])
        raise ConfigError(
            f"{config.source}: [{place}] has no key 'use', which names the component. "
            f"Known: {listed(known)}."
        )
    arguments = {key: value for key, value in table.items() if key != "use"}
    return PartTable(place, use, arguments, named="use" in table)
