"""A student that is in its folder: what it is worth, and how an index gets to use it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrievo.encode.student.card import Fidelity, StudentCard
from retrievo.errors import ConfigError
from retrievo.migrate.place import folder_of

if TYPE_CHECKING:
    from retrievo.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class Distilled:
    """A student that is in its folder. `before` is what the one had that was refreshed."""

    folder: Path
    card: StudentCard
    before: Fidelity | None = None

    @property
    def use(self) -> str:
        """Its name in a configuration."""
        return f"{self.card.kind}-student"

    def install(self, pipeline: "Pipeline") -> None:
        """Have the index of the pipeline use it for queries, from the next time it is opened.

        Raises ConfigError for an index that was made with objects, which no configuration names,
        and for one that is moving to another encoder.
        """
        store = pipeline.store
        if folder_of(getattr(store, "path", None)) is not None:
            raise ConfigError(
                "the index is moving to another encoder: make a student of that one when "
                "the migration is finished"
            )
        stored = store.config() or {}
        if stored.get("objects"):
            raise ConfigError(
                f"the index was made with {', '.join(stored['objects'])} as objects: hand the "
                f"student over as well, query_encoder=Pipeline.part('encoder', {self.use!r}, "
                f"path={str(self.folder)!r})"
            )
        table = {"use": self.use, "path": str(self.folder.resolve())}
        tables = {**stored.get("tables", {}), "query_encoder": table}
        store.stamp(pipeline.passport, {**stored, "tables": tables})

    def as_dict(self) -> dict[str, Any]:
        """What `distill --json` prints."""
        ratio = None if self.card.latency is None else self.card.latency.ratio
        return {
            "folder": str(self.folder),
            "use": self.use,
            "card": self.card.model_dump(mode="json"),
            "latency_ratio": ratio,
            "before": None if self.before is None else self.before.model_dump(),
        }

    def __str__(self) -> str:
        card = self.card
        lines = [f"{card.kind} student of {card.teacher.model} in {self.folder}"]
        if self.before is not None:
            lines.append(f"before:    {self.before}")
        lines.append(f"documents: {card.documents}")
        if card.queries is not None:
            lines.append(f"queries:   {card.queries}")
        if card.judged is not None:
            one = card.judged
            share = one.student / one.teacher if one.teacher else 0.0
            lines.append(
                f"{one.dataset}: nDCG@10 {one.student:.4f}, the teacher {one.teacher:.4f} "
                f"({share:.1%}), {one.queries} queries, dense alone"
            )
        if card.latency is not None:
            lines.append(
                f"a query:   {card.latency.student_ms:.3f} ms, the teacher "
                f"{card.latency.teacher_ms:.2f} ms ({card.latency.ratio:.0f} x), one at a time"
            )
        if card.margin is not None:
            lines.append(f"sure where the first and the tenth score are {card.margin} apart")
        if card.forced:
            lines.append(f"below the overlap of {card.min_overlap} that was asked for, and forced")
        return "\n".join(lines)
