"""Several processes or GPUs that encode, through the pool of sentence-transformers."""

import copy
import threading
import weakref
from collections.abc import Sequence
from math import ceil
from typing import Any, Literal

import numpy as np
from sentence_transformers import SentenceTransformer

from retrievo.errors import EncoderError
from retrievo.types import Vectors

_CHUNKS_A_WORKER = 4
"""Parts that a worker is handed, so that a slow one does not keep the others waiting."""


class Workers:
    """Processes with a copy of the model each, one for each device, started by the first texts.

    They end with `close`, or when this object is gone. As Python starts them anew, a script that
    uses them needs `if __name__ == "__main__":` around what it does.
    """

    def __init__(self, model: SentenceTransformer, devices: Sequence[str], *, ours: bool) -> None:
        self._model = model
        self._devices = list(devices)
        self._ours = ours
        self._pool: Any = None
        self._stop: Any = None
        # The pool has one queue for what comes back: a second caller would be given the first's.
        self._turn = threading.RLock()

    def run(
        self,
        texts: Sequence[str],
        lengths: Sequence[int],
        *,
        prompt: str,
        side: Literal["query", "document"],
        budget: int,
    ) -> Vectors:
        """float32[len(texts), width] in the order given; `lengths` are the texts' tokens.

        Raises EncoderError where a process has died; the next call starts new ones.
        """
        order = np.argsort(-np.asarray(lengths), kind="stable")
        batch = max(1, budget // max(1, int(lengths[order[0]])))
        part = ceil(len(texts) / (len(self._devices) * _CHUNKS_A_WORKER))
        chunk = ceil(part / batch) * batch  # so that no part ends in a small batch
        given = [texts[place] for place in order.tolist()]
        with self._turn:
            made = self._made(given, prompt=prompt, side=side, chunk=chunk, batch=batch)
        vectors = np.empty(made.shape, dtype=np.float32)
        vectors[order] = made
        return vectors

    def close(self) -> None:
        """End the processes, after what they are encoding; the next texts start new ones."""
        with self._turn:
            if self._stop is not None:
                self._stop()
            self._pool = self._stop = None

    def _made(
        self,
        given: list[str],
        *,
        prompt: str,
        side: Literal["query", "document"],
        chunk: int,
        batch: int,
    ) -> Vectors:
        self._start()
        try:
            made: Vectors = self._model.encode(
                given,
                prompt=prompt,  # "" too: None would take the model's default prompt
                task=side,
                pool=self._pool,
                chunk_size=chunk,
                batch_size=batch,
                show_progress_bar=False,
                convert_to_numpy=True,
                normalize_embeddings=False,
            )
        except Exception as error:  # what a worker raises comes here as whatever it was
            dead = [p.exitcode for p in self._pool["processes"] if not p.is_alive()]
            self.close()
            said = f"exit code {dead[0]}" if dead else f"{type(error).__name__}: {error}"
            raise EncoderError(
                f"a process that encodes on {', '.join(sorted(set(self._devices)))} failed "
                f"({said}); nothing of these texts was encoded: set processes = 1, or one device, "
                "to see the error itself"
            ) from error
        return made

    def _start(self) -> None:
        if self._pool is not None:
            return
        if not self._ours:
            # The pool moves the model that it is given into shared memory.
            self._model, self._ours = copy.deepcopy(self._model), True
        self._pool = self._model.start_multi_process_pool(self._devices)
        self._stop = weakref.finalize(self, self._model.stop_multi_process_pool, self._pool)
