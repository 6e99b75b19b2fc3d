"""What a ladder is trained by: each point shall give the full original model's vectors."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn

from retrievo.encode.matryoshka.heads import Head
from retrievo.encode.matryoshka.ladder import Cut
from retrievo.tune.ladder_depths import Depths
from retrievo.types import Vectors

_PARTS = ("matrix", "mean_in", "mean_out")
TEMPERATURE = 0.05
"""Of the distribution over the batch; cosines of one batch lie within a few tenths."""


class StarbucksLoss(nn.Module):  # type: ignore[misc]  # torch is not analysed
    """What all points lack of the teacher, from one forward pass.

    Zhuang et al. 2024 (Starbucks): a fixed list of points, all of them in every step. Here the
    teacher is the original model, whose vectors do not move, and nothing is labelled: each point
    is drawn to the teacher's vector in the point's own space, by 1 - cosine. `divergence` weighs
    the paper's KL divergence of in-batch scores beside it. In short trainings of MiniLM (100
    steps of 32) it cost more than it gave: at 3 layers .53 of the neighbours without it, .49 and
    .51 with weights of .1 and .2, and of the full model's own .91, .88 and .86.

    `labels` are rows of `teacher`, float32[texts, dim]; `directions` turn them into the space of
    the heads, which stay as they are here and are fitted anew when the layers are done: training
    them as well gained nothing over that. A point without a head is cut as it is.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        points: Sequence[Cut],
        teacher: Vectors,
        directions: Vectors,
        heads: Mapping[Cut, Head],
        divergence: float = 0.0,
    ) -> None:
        super().__init__()
        self.model = model
        self._divergence = divergence
        self._heads = set(heads)
        for point, head in heads.items():
            for part in _PARTS:
                array = torch.tensor(getattr(head, part))
                self.register_buffer(_name(point, part), array, persistent=False)
        self._points = tuple(points)
        self._depths = Depths(model, [layers for layers, _ in points])
        self.register_buffer("_teacher", torch.tensor(teacher), persistent=False)
        self.register_buffer("_directions", torch.tensor(directions), persistent=False)

    def forward(self, sentence_features: Iterable[dict[str, Any]], labels: Tensor) -> Tensor:
        # Dropout would make a teacher of numbers that never come back.
        self.model.eval()
        (features,) = sentence_features
        vectors = self._depths(features)
        teacher = self._teacher[labels]
        rotated = teacher @ self._directions
        others = max(1, len(self._points) - 1)
        loss = teacher.new_zeros(())
        for layers, dim in self._points:
            made, wanted = vectors[layers], teacher
            if (layers, dim) in self._heads:
                made, wanted = self._through_head(made, (layers, dim)), rotated
            made = F.normalize(made[:, :dim], dim=-1)
            wanted = F.normalize(wanted[:, :dim], dim=-1)
            share = 1 - (made * wanted).sum(-1).mean()
            if self._divergence:
                share = share + self._divergence * in_batch_divergence(made, teacher)
            # The full model, the last point, has as much to lose as all others have to gain.
            loss = loss + share * (others if (layers, dim) == self._points[-1] else 1)
        return loss / (2 * others)

    def _through_head(self, vectors: Tensor, point: Cut) -> Tensor:
        matrix, mean_in, mean_out = (self.get_buffer(_name(point, part)) for part in _PARTS)
        return (vectors - mean_in) @ matrix + mean_out


def _name(point: Cut, part: str) -> str:
    return f"_head_{point[0]}_{point[1]}_{part}"


class InBatchDistillation(nn.Module):  # type: ignore[misc]
    """The KL divergence of a batch's scores from the teacher's, as a loss for other losses.

    Sentence-transformers' Matryoshka2dLoss (Li et al. 2024, 2DMSE) runs it at the layers and dims
    that it draws in each step. `labels` are rows of `teacher`, float32[texts, dim].
    """

    def __init__(self, model: SentenceTransformer, teacher: Vectors) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("_teacher", torch.tensor(teacher), persistent=False)

    def forward(self, sentence_features: Iterable[dict[str, Any]], labels: Tensor) -> Tensor:
        self.model.eval()
        (features,) = sentence_features
        made = F.normalize(self.model(features)["sentence_embedding"], dim=-1)
        return in_batch_divergence(made, self._teacher[labels])


def in_batch_divergence(made: Tensor, teacher: Tensor) -> Tensor:
    """KL(teacher ∥ made), the mean over texts of their distributions over the others.

    Both are unit vectors of the same texts in the same order, of any widths. A text's score with
    itself is left out: it is 1 for both.
    """
    itself = torch.eye(len(made), dtype=torch.bool, device=made.device)
    logits = (made @ made.T / TEMPERATURE).masked_fill(itself, -1e4)
    targets = (teacher @ teacher.T / TEMPERATURE).masked_fill(itself, -1e4)
    return F.kl_div(
        F.log_softmax(logits, dim=-1),
        F.log_softmax(targets, dim=-1),
        reduction="batchmean",
        log_target=True,
    )
