"""Steps of sentence-transformers' trainer, without its files, its bars and its reports."""

import contextlib
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from datasets import Dataset
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from torch import nn
from transformers import TrainerCallback

from retrievo.errors import EncoderError
from retrievo.tune.length_batches import LengthBatches

_WARMUP = 0.1


class _Told(TrainerCallback):  # type: ignore[misc]  # the library has no types
    """Tells each step, and keeps the losses."""

    def __init__(self, step: Callable[[int], None] | None) -> None:
        self._step = step
        self.losses: list[float] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._step is not None:
            self._step(state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if logs and "loss" in logs:
            self.losses.append(float(logs["loss"]))


class _Trainer(SentenceTransformerTrainer):  # type: ignore[misc]
    """Gathers nothing for a model card, which would run through the texts and draw a bar."""

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        pass


def train(
    model: SentenceTransformer,
    loss: nn.Module,
    texts: Sequence[str],
    *,
    steps: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    by_length: bool = False,
    step: Callable[[int], None] | None = None,
) -> list[float]:
    """The loss, each the mean of a twentieth of the steps; the model and the loss are changed.

    A batch's labels are the places of its texts in `texts`; with `by_length` its texts are of like
    length. The rate rises over the first tenth of the steps and falls to 0 along a cosine. Raises
    EncoderError where the loss is no number.
    """
    told = _Told(step)
    dataset = Dataset.from_dict({"text": list(texts), "label": list(range(len(texts)))})
    with tempfile.TemporaryDirectory(prefix="retrievo-train-") as folder, _quiet():
        arguments = SentenceTransformerTrainingArguments(
            output_dir=folder,
            max_steps=steps,
            per_device_train_batch_size=batch_size,
            learning_rate=learning_rate,
            lr_scheduler_type="cosine",
            warmup_steps=int(steps * _WARMUP),
            weight_decay=0.0,  # towards the original, not towards zero, is where weights may go
            seed=seed,
            data_seed=seed,
            use_cpu=model.device.type == "cpu",
            bf16=model.device.type == "cuda" and torch.cuda.is_bf16_supported(),
            batch_sampler=LengthBatches if by_length else "batch_sampler",
            dataloader_drop_last=True,
            dataloader_pin_memory=model.device.type == "cuda",
            logging_steps=max(1, steps // 20),
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
        )
        trainer = _Trainer(
            model=model, args=arguments, train_dataset=dataset, loss=loss, callbacks=[told]
        )
        for name in ("PrinterCallback", "ProgressCallback"):
            for callback in list(trainer.callback_handler.callbacks):
                if type(callback).__name__ == name:
                    trainer.remove_callback(callback)
        trainer.train()
    if not all(value == value and abs(value) != float("inf") for value in told.losses):
        raise EncoderError(
            f"the loss of the training became {told.losses[-1]}; lower the learning rate "
            f"({learning_rate:g})"
        )
    return told.losses


def seconds_a_step(
    model: SentenceTransformer, loss: nn.Module, texts: Sequence[str], batch_size: int
) -> float:
    """The wall time of one step, forward and backward, the better of two; nothing is changed."""
    features = model.preprocess(list(texts[:batch_size]))
    moved = {
        key: value.to(model.device) if isinstance(value, torch.Tensor) else value
        for key, value in features.items()
    }
    labels = torch.arange(min(batch_size, len(texts)), device=model.device)
    times = []
    for _ in range(2):
        started = time.perf_counter()
        loss([dict(moved)], labels).backward()
        if model.device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
        loss.zero_grad(set_to_none=True)
    return min(times)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        # What the libraries say to each other is not the user's to act on.
        for kind in (DeprecationWarning, FutureWarning, UserWarning):
            warnings.simplefilter("ignore", kind)
        yield
