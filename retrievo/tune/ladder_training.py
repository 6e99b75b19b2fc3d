"""The steps of a ladder's training: how many, with which loss, and what of the heads."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from sentence_transformers import SentenceTransformer
from torch import nn

from retrievo.encode.matryoshka.heads import Head
from retrievo.encode.matryoshka.ladder import Cut
from retrievo.ingest.report import Progress
from retrievo.tune.ladder_depths import Depths
from retrievo.tune.ladder_loss import InBatchDistillation, StarbucksLoss
from retrievo.tune.ladder_scores import States, states
from retrievo.tune.ladder_settings import Settings
from retrievo.tune.sentence_trainer import seconds_a_step, train
from retrievo.types import Vectors

try:
    from sentence_transformers.sentence_transformer.losses import Matryoshka2dLoss
except ImportError:  # before version 6
    from sentence_transformers.losses import Matryoshka2dLoss

FITTED_ON = 4000
"""Pieces that the heads are fitted on; a map of a few hundred rows gains little from more."""


class LadderTraining(NamedTuple):
    """A model in training, at the points of a ladder."""

    model: SentenceTransformer
    depths: Depths
    points: Sequence[Cut]
    settings: Settings
    progress: Callable[[Progress], None] | None

    def states(self, texts: Sequence[str]) -> States:
        """Of the model as it is now, at all depths of the points."""
        return states(self.model, self.depths, texts)

    def train(
        self,
        pieces: Sequence[str],
        teacher: Vectors,
        heads: Mapping[Cut, Head],
        directions: Vectors,
    ) -> dict[str, Any]:
        """What was done, in numbers; the model is changed.

        `teacher` are the vectors of the first pieces, at least a batch of them; those of the
        others are made once, before the first step.
        """
        # Fewer pieces than a batch are one batch, where the trainer would make none of them.
        settings = self.settings._replace(batch_size=min(self.settings.batch_size, len(pieces)))
        first = self._loss(teacher, heads, directions)
        seconds = seconds_a_step(self.model, first, pieces, settings.batch_size)
        steps = settings.planned(len(pieces), seconds)
        used = pieces[: steps * settings.batch_size]
        if len(used) > len(teacher):
            whole = Depths(self.model, [])
            rest = states(self.model, whole, used[len(teacher) :])[whole.layers]
            teacher = np.concatenate([teacher, rest])
        told = train(
            self.model,
            self._loss(teacher[: len(used)], heads, directions),
            used,
            steps=steps,
            batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            seed=settings.seed,
            step=self._step(steps),
        )
        return {
            "pieces": len(used),
            "steps": steps,
            **{
                name: getattr(settings, name)
                for name in ("batch_size", "learning_rate", "divergence", "piece_tokens", "seed")
            },
            "loss": [round(told[0], 4), round(told[-1], 4)],
        }

    def _loss(self, teacher: Vectors, heads: Mapping[Cut, Head], directions: Vectors) -> nn.Module:
        if self.settings.method == "starbucks":
            return StarbucksLoss(
                self.model, self.points, teacher, directions, heads, self.settings.divergence
            )
        dims = sorted({dim for _, dim in self.points})
        return Matryoshka2dLoss(self.model, InBatchDistillation(self.model, teacher), dims)

    def _step(self, steps: int) -> Callable[[int], None] | None:
        tell = self.progress
        return None if tell is None else lambda done: tell(Progress(done, steps, 0, "train"))
