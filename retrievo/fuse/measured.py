"""The weights that an index has measured of itself, and the fusion that uses them."""

from collections.abc import Collection, Mapping
from typing import Any, TypeVar, cast

from retrievo.contracts import Fusion, Store

NOTE = "fusion_weights"
"""The note of a passport that holds the choice: see retrievo.tune.weights.WeightChoice."""

AnyFusion = TypeVar("AnyFusion", bound=Fusion | None)


def measured(fusion: AnyFusion, store: Store, names: Collection[str]) -> AnyFusion:
    """The fusion with the weights that the index has measured for these branches.

    The same fusion where it does not ask for them (`auto`), or there are none for it.
    """
    if not getattr(fusion, "auto", False):
        return fusion
    weights = noted(store, cast(Any, fusion).measured_as, names).get("weights")
    if not weights:
        return fusion
    return cast(AnyFusion, cast(Any, fusion).weighed(weights))


def noted(store: Store, fusion: str, names: Collection[str]) -> Mapping[str, Any]:
    """What the index has noted of a fusion of these branches, by its name; empty for nothing."""
    passport = store.passport()
    found = {} if passport is None else passport.notes.get(NOTE, {})
    if passport is None or found.get("encoder") != passport.encoder.get("fingerprint"):
        return {}  # a migrated index has another encoder's
    if found.get("fusion") != fusion or set(found.get("default", ())) != set(names):
        return {}
    return cast(Mapping[str, Any], found)
