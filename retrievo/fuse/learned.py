"""Fusion by weights that were learned from judged queries: see retrievo.tune.learned_fusion."""

import json
import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from retrievo.errors import ConfigError
from retrievo.fuse.features import FEATURES, features_of
from retrievo.fuse.union import Weighed, fused, sound, union_of
from retrievo.types import Candidates

FORMAT = 1


@dataclass(frozen=True, slots=True)
class LearnedWeights:
    """Weights by branch and feature, and what they were learned from."""

    weights: Mapping[str, Mapping[str, float]]
    queries: int
    dataset: str = ""
    format: int = FORMAT

    def write(self, path: str | Path) -> None:
        """Write a small JSON file, whole or not at all."""
        part = Path(path).with_name(f"{Path(path).name}.part")
        part.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        part.replace(path)

    @classmethod
    def read(cls, path: str | Path) -> "LearnedWeights":
        """Raises ConfigError for what is not there, is no such file, or has another format."""
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(
                f"learned fusion: cannot read {path} ({error.strerror}); "
                "retrievo.tune.learned_fusion.learn_fusion writes one"
            ) from None
        except ValueError:
            raise ConfigError(f"learned fusion: {path} is no JSON") from None
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            found = data.get("format") if isinstance(data, dict) else None
            raise ConfigError(
                f"learned fusion: {path} has format {found!r}, this Retrievo reads {FORMAT}; "
                "learn it again"
            )
        if not _are_weights(data.get("weights")):
            raise ConfigError(f"learned fusion: {path} has no finite weight for each of {FEATURES}")
        return cls(data["weights"], int(data.get("queries", 0)), str(data.get("dataset", "")))


def _are_weights(weights: Any) -> bool:
    return (
        isinstance(weights, dict)
        and bool(weights)
        and all(
            isinstance(one, dict)
            and set(one) == set(FEATURES)
            and all(isinstance(w, (int, float)) and math.isfinite(w) for w in one.values())
            for one in weights.values()
        )
    )


class Learned:
    """score(d) = sum over branches and features of weight × feature: a logistic model's logit.

    The features are those of `retrievo.fuse.features`. The scale is the model's own; differences
    are log odds that one row is the better of two. `path` is a file that
    `retrievo.tune.learned_fusion` wrote, of the same branches.
    """

    complete = True

    def __init__(self, path: str | Path) -> None:
        self._path = path
        self._model = LearnedWeights.read(path).weights

    def check_branches(self, names: Collection[str]) -> None:
        """Raise ConfigError unless the weights were learned for these branches."""
        if set(self._model) != set(names):
            raise ConfigError(
                f"learned fusion: {self._path} was learned for {sorted(self._model)}, "
                f"the retrievers are {sorted(names)}; learn it again"
            )

    def fuse(self, branches: Mapping[str, Candidates], top_k: int) -> Candidates:
        self.check_branches(branches)
        branches = sound(branches)
        union = union_of(branches)
        scored = {}
        for name, features in features_of(union, branches).items():
            mine = self._model[name]
            value = np.zeros(len(union.rows))
            for kind, column in zip(FEATURES, features, strict=True):
                value += mine[kind] * column
            scored[name] = Weighed(value, 1.0)
        return fused(union, branches, scored, top_k)
