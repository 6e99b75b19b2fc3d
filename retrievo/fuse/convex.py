"""Score fusion: a weighted mean of the branches' normalised scores."""

from collections.abc import Collection, Mapping
from typing import Literal, Self

from retrievo.errors import ConfigError
from retrievo.fuse.normalising import NORMALISERS, Normalise, checked_normalise
from retrievo.fuse.shares import checked_weights, shares_of
from retrievo.fuse.union import Weighed, check_names, fused, sound, union_of
from retrievo.types import Candidates


class Convex:
    """score(d) = sum over branches of weight × normalised score of d.

    `normalise` says how scores come to one scale:

    - "bound": divided by the highest score that the query could have had: 1 for a cosine, the sum
      of the query terms' idf for BM25. That needs no statistics of the list, so the depth of one
      branch cannot change it, and it can be compared between queries. A branch that tells no bound
      is min-max normalised. Bruch, Gai, Ingber 2023, "An Analysis of Fusion Functions for Hybrid
      Retrieval", call it the theoretical bound.
    - "min-max": from 0, the lowest of the list, to 1, the highest.
    - "z-score": in standard deviations from the list's mean; the only one not in [0, 1].
    - "atan": (2/π) atan(score / 10), cosines as they are.

    Negative scores count as 0, except with "z-score". A row that a branch has not scored counts
    with that branch's last score, an upper bound of what it can have, and with 0 where the branch
    found all that match. With `complete` the search has branches score what others found.

    Without `weights` each encoder's own default share holds (`dense_weight`) and the other branches
    share what is left. Weights are divided by their sum. With "auto" they are those that were
    measured when the index was made (see retrievo.tune.weights), and the default shares where
    nothing was.
    """

    def __init__(
        self,
        weights: Mapping[str, float] | Literal["auto"] | None = None,
        *,
        normalise: Normalise = "bound",
        complete: bool = True,
    ) -> None:
        self.auto = isinstance(weights, str)
        """Whether the weights that an index has measured are to be taken."""
        if isinstance(weights, str):
            if weights != "auto":
                raise ConfigError(
                    f'fusion weights are numbers by retriever, or "auto"; got {weights!r}'
                )
            weights = None
        self._weights = None if weights is None else checked_weights(weights)
        self._normalise = checked_normalise(normalise)
        self.complete = complete

    @property
    def measured_as(self) -> str:
        """What an index notes its measured weights for: other scales have other weights."""
        return f"convex {self._normalise}"

    def check_branches(self, names: Collection[str]) -> None:
        """Raise ConfigError unless the weights, where there are any, name these branches.

        Also where they are to be measured, and there are not two.
        """
        if self.auto and len(names) != 2:
            raise ConfigError(
                f'fusion weights = "auto" are measured for two retrievers, and there are '
                f"{len(names)} ({', '.join(sorted(names))}); give each a weight"
            )
        check_names(self._weights, names)

    def weighed(self, weights: Mapping[str, float]) -> Self:
        """The same with other weights. Raises ConfigError for what is none."""
        return type(self)(weights, normalise=self._normalise, complete=self.complete)

    def fuse(self, branches: Mapping[str, Candidates], top_k: int) -> Candidates:
        weights = shares_of(self._weights, branches)
        branches = sound(branches)
        union = union_of(branches)
        scored, normaliser = {}, NORMALISERS[self._normalise]
        for name, found in branches.items():
            values, floor = normaliser(found)
            scored[name] = Weighed(union.filled(name, values, floor), weights[name])
        return fused(union, branches, scored, top_k)
