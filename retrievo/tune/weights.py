"""Fusion weights without labels: what documents ask of themselves, behind a significance gate."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from retrievo.contracts import Fusion, Retriever, Store
from retrievo.errors import ConfigError
from retrievo.evaluate.compare import compare
from retrievo.fuse.measured import NOTE, noted
from retrievo.fuse.shares import shares_of
from retrievo.telling import tell
from retrievo.tune.pseudo_queries import PseudoQuery, pseudo_queries
from retrievo.tune.self_retrieval import candidates_of, gain_of
from retrievo.types import Candidates

SHARES = tuple(share / 10 for share in range(11))

SURE = 0.01
"""Below this p other weights than the default are taken. It is the p of the best of ten, so that
times ten (Bonferroni): without, a collection of short pages moved whose default was the best."""

LEAST = 100
"""Fewer pseudo-queries tell nothing, or only what is so large that it tells it by itself."""

GROWN = 1.5
"""What was measured holds until the corpus is so many times as large, or so many times smaller."""


@dataclass(frozen=True, slots=True)
class WeightChoice:
    """The weights to take, by retriever, and what was measured; no weights where nothing was.

    `scores` holds the mean nDCG@10 of finding the document by the share of the branch `varied`.
    `p` is that of the best share against the default, corrected
    for being the best of several; None where the default is the best. `documents` were in the index
    at the time.
    """

    weights: dict[str, float]
    default: dict[str, float]
    varied: str
    scores: dict[str, float]
    p: float | None
    n: int
    documents: int
    fusion: str
    encoder: str | None
    """The fingerprint of the document encoder that it was measured with."""

    @property
    def moved(self) -> bool:
        return self.weights != self.default

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "WeightChoice":
        return cls(**data)

    def __str__(self) -> str:
        if not self.scores:
            return (
                f"fusion weights: the default, as {self.documents:,} documents have too few "
                f"titles, docstrings and first sentences to measure with ({LEAST} are wanted)"
            )
        names = sorted(self.weights, key=lambda name: (name != self.varied, name))
        said = ", ".join(f"{name} {self.weights[name]:.2g}" for name in names)
        of = f"measured with {self.n} pseudo-queries at {self.documents:,} documents"
        best = max(self.scores, key=lambda share: self.scores[share])
        if self.p is None:
            return f"fusion weights {said}: the default, which is the best of those {of}"
        why = (
            f"{self.varied} {best} finds them better: nDCG@10 {self.scores[best]:.3f}, "
            f"p = {self.p:.4f}"
        )
        if self.moved:
            return f"fusion weights {said}, {of}: {why}"
        return f"fusion weights {said}: the default, {of}; that {why}, is not sure enough"


def choose_weights(
    store: Store,
    retrievers: Mapping[str, Retriever],
    fusion: Fusion,
    n: int = 250,
    seed: int = 0,
) -> WeightChoice:
    """The default weights of two branches, or others that surely find documents better.

    Costs the encoding of `n` queries of a sentence and of as many chunks, none of which is written.
    Raises ConfigError for another number of branches, for branches that cannot be measured (they
    have no `ask`), and for a fusion without `weighed`.
    """
    check_measurable(retrievers, fusion)
    first, second = retrievers
    documents, passport = store.document_count(), store.passport()
    encoder = None if passport is None else passport.encoder.get("fingerprint")
    drawn = pseudo_queries(store, n, seed) if documents >= LEAST else []
    name = str(getattr(fusion, "measured_as", type(fusion).__name__))
    if len(drawn) < LEAST:
        # What branches ask for is told by their lists alone: the fusion's own default holds.
        return WeightChoice({}, {}, first, {}, None, len(drawn), documents, name, encoder)
    lists = candidates_of(store, retrievers, drawn)
    default = _default_of(lists[0], retrievers)
    shares = sorted({*SHARES, default[first]})
    weighed = fusion.weighed  # type: ignore[attr-defined]  # checked above
    gains = {
        share: _gains(weighed({first: share, second: 1 - share}), lists, store, drawn)
        for share in shares
    }
    best = max(shares, key=lambda s: (gains[s].mean(), -abs(s - default[first])))
    p = None
    if best != default[first]:
        found = compare(gains[default[first]], gains[best], seed=seed)
        p = min(1.0, found.p * (len(shares) - 1))
    sure = p is not None and p < SURE
    weights = {first: best, second: round(1 - best, 10)} if sure else default
    scores = {f"{share:g}": round(float(gains[share].mean()), 4) for share in shares}
    return WeightChoice(weights, default, first, scores, p, len(drawn), documents, name, encoder)


def refresh_weights(
    store: Store, retrievers: Mapping[str, Retriever], fusion: Fusion | None
) -> WeightChoice | None:
    """What was chosen and noted in the index; None where that was not needed.

    It is for a fusion that asks for it (`auto`), where nothing was noted yet or the corpus has
    grown by half since. Branches that cannot be measured are told of. Call it at the end of an
    ingest, when the store is settled.
    """
    if fusion is None or not getattr(fusion, "auto", False) or getattr(store, "read_only", False):
        return None
    known = noted(store, fusion.measured_as, retrievers)  # type: ignore[attr-defined]
    documents = store.document_count()
    if known and known["documents"] / GROWN < documents < known["documents"] * GROWN:
        return None
    try:
        choice = choose_weights(store, retrievers, fusion)
    except ConfigError as error:  # what is indexed stays indexed
        tell(f"{error}; until then the default weights hold")
        return None
    passport = store.passport()
    if choice.scores and passport is not None:
        notes = {**passport.notes, NOTE: choice.as_dict()}
        store.stamp(replace(passport, notes=notes), store.config() or {})
    return choice


def noted_choice(
    store: Store, retrievers: Mapping[str, Retriever], fusion: Fusion | None
) -> WeightChoice | None:
    """What the index has noted; None where the fusion does not ask or nothing was measured."""
    if fusion is None or not getattr(fusion, "auto", False):
        return None
    found = noted(store, fusion.measured_as, retrievers)  # type: ignore[attr-defined]
    return WeightChoice.from_dict(found) if found else None


def check_measurable(retrievers: Mapping[str, Retriever], fusion: Fusion) -> None:
    """Raise ConfigError where the weights of these branches cannot be measured."""
    if len(retrievers) != 2:
        raise ConfigError(
            f'weights = "auto" is measured for two retrievers, and there are {len(retrievers)} '
            f"({', '.join(sorted(retrievers))}); give each a weight"
        )
    for name, retriever in retrievers.items():
        if not hasattr(retriever, "ask") or len(retriever.representations) != 1:
            raise ConfigError(
                f'weights = "auto" cannot measure the retriever {name!r}, which has no `ask` of '
                "one representation; give each retriever a weight"
            )
    if not hasattr(fusion, "weighed"):
        raise ConfigError(f"{type(fusion).__name__} has no weights that could be chosen")


def _default_of(
    lists: Mapping[str, Candidates], retrievers: Mapping[str, Retriever]
) -> dict[str, float]:
    shares = shares_of(None, {name: lists[name] for name in retrievers})
    return {name: round(share, 10) for name, share in shares.items()}


def _gains(
    fusion: Fusion,
    lists: Sequence[Mapping[str, Candidates]],
    store: Store,
    drawn: Sequence[PseudoQuery],
) -> npt.NDArray[np.float64]:
    return np.array(
        [gain_of(fusion, one, query, store) for one, query in zip(lists, drawn, strict=True)]
    )
