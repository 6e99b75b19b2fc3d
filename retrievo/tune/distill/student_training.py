"""The training of a transformer student: all its weights, towards the teacher's vectors."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn

from retrievo.encode.sentence import SentenceEncoder
from retrievo.errors import ConfigError
from retrievo.ingest.report import Progress
from retrievo.telling import collecting
from retrievo.truncation import recording
from retrievo.tune.distill.student_texts import Pairs
from retrievo.tune.sentence_trainer import seconds_a_step, train
from retrievo.types import Vectors

try:
    from sentence_transformers.sentence_transformer.losses import MSELoss
except ImportError:  # before version 6
    from sentence_transformers.losses import MSELoss

_TIMED = 5

_OPTIMIZER = 0.35
"""What the optimizer takes, in forward and backward passes of 32 sentences, with two layers of
all-MiniLM-L6-v2 on a CPU: nearly all of its weights are embeddings, and each is touched."""


class Settings(NamedTuple):
    """How long and how fast a student is trained; the shorter of `epochs` and `minutes` counts.

    `steps`, where it is given, counts instead of both; 0 of it is the closed form alone.
    `documents` is how many documents are trained on for each query. By default none: they cost
    about eight times as much as sentences, and a student encodes queries only. The closed form
    takes them in all the same, and all are trained on where there are hardly any queries.
    """

    steps: int | None = None
    epochs: float = 3.0
    minutes: float = 3.0
    batch_size: int = 32
    learning_rate: float = 1e-3
    documents: float = 0.0
    seed: int = 0

    def checked(self) -> "Settings":
        """The settings. Raises ConfigError for a number that cannot be."""
        if self.steps is not None and self.steps < 0:
            raise ConfigError(f"steps is {self.steps}; 0 or more is wanted")
        if self.batch_size < 2:
            raise ConfigError(f"batch_size is {self.batch_size}; 2 or more is wanted")
        if not self.documents >= 0:
            raise ConfigError(f"documents is {self.documents}; 0 or more is wanted")
        for name in ("epochs", "minutes", "learning_rate"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; more than 0 is wanted")
        return self

    def planned(self, texts: int, seconds: float) -> int:
        """How many steps to take with so many texts, where a pass takes that long; at least one."""
        by_epochs = self.epochs * texts / self.batch_size
        return max(1, int(min(by_epochs, self.minutes * 60 / (seconds * (1 + _OPTIMIZER)))))


class LeafLoss(nn.Module):  # type: ignore[misc]  # torch is not analysed
    """The mean squared distance of a batch's vectors to the teacher's.

    ‖y - ŷ‖², without labels and without negatives (Vujanic and Rueckstiess 2025, LEAF).
    `labels` are rows of `targets`, float32[texts, dim].
    """

    def __init__(self, model: SentenceTransformer, targets: Vectors) -> None:
        super().__init__()
        self.model = model
        self._mean_square = MSELoss(model)
        self.register_buffer("_targets", torch.tensor(targets, device=model.device), False)

    def forward(self, sentence_features: Iterable[dict[str, Any]], labels: Tensor) -> Tensor:
        # The teacher's vectors were made without dropout, and the texts are passed a few times
        # only: noise would cost more than it keeps from being learned by heart.
        self.model.eval()
        targets = self._targets[labels]
        return self._mean_square(sentence_features, targets) * targets.shape[1]


def improve(
    student: SentenceTransformer,
    pairs: Pairs,
    held_out: Pairs,
    settings: Settings,
    progress: Callable[[Progress], None] | None,
) -> dict[str, Any]:
    """What the training did, in numbers; the student has the weights that are the better ones.

    The mean squared distance to the held-out targets decides: where it grew, or is no number, the
    weights are those that the student came with, and `kept` is "closed form", else "trained".
    """
    pairs = pairs.fewer_documents(settings.documents)
    before = distance(student, held_out)
    told: dict[str, Any] = {"kept": "closed form", "distance": {"closed form": round(before, 4)}}
    loss = LeafLoss(student, pairs.targets)
    batch_size = min(settings.batch_size, len(pairs.texts))
    settings = settings._replace(batch_size=batch_size)
    steps = settings.steps
    if steps is None:
        steps = settings.planned(len(pairs.texts), _seconds(student, loss, pairs, batch_size))
    told["trained_on"] = len(pairs.texts)
    told |= {"steps": steps, **{name: getattr(settings, name) for name in _TOLD}}
    if not steps:
        return told
    kept = {name: one.detach().clone() for name, one in student.state_dict().items()}
    started = time.perf_counter()
    losses = train(
        student,
        loss,
        pairs.texts,
        steps=steps,
        batch_size=batch_size,
        learning_rate=settings.learning_rate,
        seed=settings.seed,
        by_length=True,
        step=None if progress is None else lambda done: progress(Progress(done, steps, 0, "train")),
    )
    told["seconds"] = round(time.perf_counter() - started, 1)
    told["loss"] = [round(losses[0], 4), round(losses[-1], 4)]
    after = distance(student, held_out)
    told["distance"]["trained"] = round(after, 4)
    if after < before:
        told["kept"] = "trained"
    else:
        student.load_state_dict(kept)
    return told


_TOLD = ("batch_size", "learning_rate", "seed")


def encoded(model: SentenceTransformer, texts: Sequence[str], *, normalize: bool) -> Vectors:
    """float32[len(texts), dim] of the texts as they are, without a prompt."""
    encoder = SentenceEncoder(
        model,
        cache="off",
        dtype="float32",
        query_prompt="",
        document_prompt="",
        normalize=normalize,
    )
    with collecting(), recording():  # that a long document is cut was told when it was indexed
        return encoder.encode_document(texts)


def distance(student: SentenceTransformer, pairs: Pairs) -> float:
    """The mean squared distance of the student's vectors to the targets."""
    made = encoded(student, pairs.texts, normalize=False)
    return float(np.square(made - pairs.targets, dtype=np.float64).sum(axis=1).mean())


def _seconds(student: SentenceTransformer, loss: nn.Module, pairs: Pairs, batch_size: int) -> float:
    """The mean time of a pass with batches of like length, by a few of them, short and long."""
    texts = sorted(pairs.texts, key=len)
    starts = np.linspace(0, len(texts) - batch_size, 2 * _TIMED + 1).astype(int)[1::2]
    times = [
        seconds_a_step(student, loss, texts[start : start + batch_size], batch_size)
        for start in starts.tolist()
    ]
    return float(np.mean(times))
