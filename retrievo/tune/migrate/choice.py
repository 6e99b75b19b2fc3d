"""Which map serves an index best, chosen and judged on texts that it was not fitted on."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from retrievo.encode.space_map import Kind, SpaceMap
from retrievo.errors import ConfigError
from retrievo.tune.migrate.held_out import Figures, HeldOut
from retrievo.tune.migrate.maps import FITS, SETTINGS, SHIFTS, Fitting, Shift, linear_map, narrow
from retrievo.tune.migrate.maps import old_turn as turn_of
from retrievo.tune.migrate.paired import Pairs, UnitPairs, Wide
from retrievo.tune.migrate.residual import fit_residual


@dataclass(frozen=True, slots=True)
class MethodRow:
    """The best of one method on the held-out sentences.

    `name` is the kind of map, with " + old" where the old encoder's own query is added; `relative`
    and `old, whitened` are for comparison. `eligible` says whether it could be chosen. `seconds` is
    the processor's time of all its fits.
    """

    name: str
    figures: Figures
    settings: dict[str, Any]
    eligible: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class MapReport:
    """What the methods gave, what was chosen, and whether it is good enough to serve.

    `old` and `new` are the figures of the two encoders alone, each with its own document vectors:
    what the index gave before, and what it would give if all of it were encoded again. `accepted`
    says that the chosen map has at least `min_share` of the old nDCG@10. `compatible` is the
    criterion of Average Compatibility for the one pair of encoders that there is: the mapped
    queries find more than the old ones did.
    """

    rows: tuple[MethodRow, ...]
    chosen: str
    accepted: bool
    compatible: bool
    old: Figures
    new: Figures
    share_of_old: float
    share_of_new: float
    min_share: float
    documents: int
    queries: int
    held_out: int
    seed: int

    @property
    def row(self) -> MethodRow:
        """The row of what was chosen."""
        return next(row for row in self.rows if row.name == self.chosen)

    def as_dict(self) -> dict[str, Any]:
        """All of it in JSON's values."""
        return {**asdict(self), "rows": [asdict(row) for row in self.rows]}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> "MapReport":
        """The report that `as_dict` told."""
        rows = tuple(
            MethodRow(**{**row, "figures": Figures(**row["figures"])}) for row in told["rows"]
        )
        alone = {side: Figures(**told[side]) for side in ("old", "new")}
        return cls(**{**told, "rows": rows, **alone})

    @property
    def verdict(self) -> str:
        """What was decided, in a sentence without its full stop."""
        return (
            f"{self.chosen} is {'accepted' if self.accepted else 'refused'}: "
            f"{self.share_of_old:.3f} of the old encoder's nDCG@10 on {self.held_out} held-out "
            f"sentences ({self.min_share:g} is wanted), {self.share_of_new:.3f} of the new "
            f"encoder's; {'' if self.compatible else 'not '}compatible: it finds "
            f"{'more' if self.compatible else 'no more'} than the old queries"
        )

    def __str__(self) -> str:
        lines = [
            f"{self.documents} documents and {self.queries} sentences by both encoders; judged on "
            f"{self.held_out} held-out sentences",
            f"{'':<20}{'nDCG@10':>9}{'of old':>8}{'of new':>8}{'MRR':>7}{'overlap@10':>12}"
            f"{'as old or better':>18}",
        ]
        named = [("old encoder", self.old, ""), ("new encoder", self.new, "")]
        for row in self.rows:
            mark = "  chosen" if row.name == self.chosen else ""
            named.append((row.name, row.figures, mark or ("" if row.eligible else "  compared")))
        for name, one, mark in named:
            lines.append(
                f"{name:<20}{one.ndcg:>9.3f}{_share(one, self.old):>8.2f}"
                f"{_share(one, self.new):>8.2f}{one.mrr:>7.3f}{one.overlap:>12.3f}"
                f"{one.at_least_old:>18.3f}{mark}"
            )
        lines.append(self.verdict)
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A kind of map with its settings, and what it gave."""

    kind: Kind
    settings: dict[str, Any]
    shift: Shift
    figures: Figures
    space_map: SpaceMap

    @property
    def merit(self) -> tuple[float, float]:
        """The nDCG@10 of known items, and where equal the overlap with the new encoder."""
        return round(self.figures.ndcg, 6), self.figures.overlap


def choose_map(
    pairs: Pairs, *, min_share: float = 0.95, seed: int = 0, with_old: bool = False
) -> tuple[SpaceMap, MapReport]:
    """The map with the best nDCG@10 on held-out sentences, fitted anew on all pairs, and a report.

    A refused map is given as well: `report.accepted` says whether it should serve. With `with_old`,
    a map that wants the old encoder's vector of each query beside the new one's may be chosen; it
    costs one call of the old encoder a query. The same pairs and seed give the same map. Raises and
    tells as `Pairs.usable` does, and ConfigError for a `min_share` outside (0, 1].
    """
    if not 0 < min_share <= 1:
        raise ConfigError(f"min_share is {min_share}; a share above 0 and up to 1 is wanted")
    whole = pairs.usable()
    split = whole.split(seed)
    held, fitting = HeldOut(whole, split), Fitting(whole, split.documents)
    best: dict[str, _Candidate] = {}
    rows: list[MethodRow] = []
    for kind in FITS:
        started = time.process_time()
        found = max(_candidates(kind, fitting, held), key=lambda one: one.merit)
        best[kind] = found
        rows.append(_row(kind, found, time.process_time() - started))
    started = time.process_time()
    best["mlp"] = _mlp(best["ridge"], fitting, held, seed)
    rows.append(_row("mlp", best["mlp"], time.process_time() - started))

    leading = max(best.values(), key=lambda one: one.merit)
    turned = narrow(turn_of(whole.old_documents[split.documents]))
    joined = replace(leading.space_map, old=turned)
    mapped = joined.apply(narrow(held.new_queries))
    both = held.judge(joined.join(mapped, narrow(held.old_queries)))
    rows += [
        MethodRow(f"{leading.kind} + old", both, _settings(leading), with_old, 0.0),
        MethodRow("old, whitened", held.judge(held.old_queries @ turned), {}, False, 0.0),
        MethodRow("relative", held.judge_relative(whole, split), {}, False, 0.0),
    ]
    joins = with_old and both.ndcg > leading.figures.ndcg
    name, figures = (
        (f"{leading.kind} + old", both) if joins else (str(leading.kind), leading.figures)
    )
    share = _share(figures, held.old)
    report = MapReport(
        rows=tuple(rows),
        chosen=name,
        accepted=share >= min_share,
        compatible=figures.ndcg > held.old.ndcg,
        old=held.old,
        new=held.new,
        share_of_old=share,
        share_of_new=_share(figures, held.new),
        min_share=min_share,
        documents=len(whole.old_documents),
        queries=len(whole.owners),
        held_out=len(held),
        seed=seed,
    )
    made = _on_all(leading, best["ridge"], whole, seed)
    told = {
        **made.told,
        "documents": report.documents,
        "sentences": report.queries,
        "held out": report.held_out,
        "share of old": round(share, 4),
        "share of new": round(report.share_of_new, 4),
    }
    old = narrow(turn_of(whole.old_documents)) if joins else None
    return replace(made, old=old, told=told), report


def _settings(candidate: _Candidate) -> dict[str, Any]:
    return {**candidate.settings, "shift": candidate.shift}


def _row(kind: str, found: _Candidate, seconds: float) -> MethodRow:
    return MethodRow(kind, found.figures, _settings(found), True, round(seconds, 3))


def _share(one: Figures, whole: Figures) -> float:
    """0 where the whole is: nothing can be said for a map where the old encoder finds nothing."""
    return one.ndcg / whole.ndcg if whole.ndcg > 0 else 0.0


def _candidates(kind: Kind, fitting: Fitting, held: HeldOut) -> Iterator[_Candidate]:
    queries = narrow(held.new_queries)
    for settings in SETTINGS[kind]:
        matrix = FITS[kind](fitting.x, fitting.y, **settings)
        for shift in SHIFTS[kind]:
            made = _mapped(kind, fitting, matrix, shift, settings)
            figures = held.judge(made.apply(queries))
            yield _Candidate(kind, dict(settings), shift, figures, made)


def _mapped(
    kind: Kind, fitting: Fitting, matrix: Wide, shift: Shift, settings: Mapping[str, float]
) -> SpaceMap:
    told = {**settings, "shift": shift}
    return linear_map(kind, matrix, fitting.bias_of(matrix, shift), told)


def _mlp(base: _Candidate, fitting: Fitting, held: HeldOut, seed: int) -> _Candidate:
    made = fit_residual(base.space_map, fitting.new, fitting.old, seed=seed)
    figures = held.judge(made.apply(narrow(held.new_queries)))
    return _Candidate("mlp", base.settings, base.shift, figures, made)


def _on_all(chosen: _Candidate, base: _Candidate, pairs: UnitPairs, seed: int) -> SpaceMap:
    """The same fit on all documents, those that were held out among them."""
    one = base if chosen.kind == "mlp" else chosen
    fitting = Fitting(pairs, np.arange(len(pairs.old_documents)))
    matrix = FITS[one.kind](fitting.x, fitting.y, **one.settings)
    made = _mapped(one.kind, fitting, matrix, one.shift, one.settings)
    return made if chosen is one else fit_residual(made, fitting.new, fitting.old, seed=seed)
