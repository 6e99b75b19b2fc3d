"""Many texts through many requests at once, and the texts that a service refuses found."""

import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

import numpy as np

from retrievo.encode.encoded import Side
from retrievo.encode.remote.asking import Asker
from retrievo.encode.remote.batches import batches
from retrievo.encode.remote.client import RefusedError
from retrievo.errors import EncoderError
from retrievo.types import Vectors


class Sending:
    """One call: the rows that are in, the texts that are to blame."""

    def __init__(self, asker: Asker, texts: Sequence[str], side: Side, dim: int) -> None:
        self._asker = asker
        self._texts = texts
        self._side: Side = side
        self._dim = dim
        self._rows: Vectors = np.zeros((len(texts), dim), np.float32)
        self._blamed: dict[int, str] = {}
        self._plain_is_fine = False
        self._turn = threading.Lock()
        self._stop = threading.Event()
        self._failure: BaseException | None = None

    def run(self, *, concurrency: int, batch_items: int, batch_tokens: int) -> Vectors:
        """float32[len(texts), dim], finite and not zero.

        Raises EncoderError, with the places of all texts that are refused; without places where
        the service, the key or the request is at fault.
        """
        parts = batches(self._texts, items=batch_items, tokens=batch_tokens)
        if len(parts) == 1 or concurrency == 1:
            for places in parts:
                self._fill(places)
        else:
            self._at_once(parts, concurrency)
        if self._blamed:
            places = sorted(self._blamed)
            raise EncoderError(
                f"{self._asker.who} gave no vector for {len(places)} of {len(self._texts)} texts; "
                f"of the first it says: {self._blamed[places[0]]}",
                texts=places,
                reasons=[self._blamed[place] for place in places],
            )
        return self._rows

    def _at_once(self, parts: list[list[int]], concurrency: int) -> None:
        pool = ThreadPoolExecutor(min(concurrency, len(parts)), "retrievo-remote")
        try:
            wait([pool.submit(self._work, part) for part in parts], return_when=FIRST_EXCEPTION)
        finally:
            # All are done here; or one failed, or a Ctrl-C came: then the others end.
            self._stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
        if self._failure is not None:
            raise self._failure

    def _work(self, places: list[int]) -> None:
        try:
            self._fill(places)
        except BaseException as error:
            with self._turn:
                # Those that were stopped because of the first fail later.
                self._failure = self._failure or error
            self._stop.set()
            raise

    def _fill(self, places: list[int]) -> None:
        """The rows of a batch; the batch is halved until texts that are refused stand alone."""
        try:
            texts = [self._texts[place] for place in places]
            found = self._asker.ask(texts, self._side, self._dim, self._stop)
        except RefusedError as refused:
            self._refused(places, str(refused))
            return
        if len(found.bad) == len(places) > 1:
            raise EncoderError(
                f"{self._asker.who} gave no vector that is of use: of each of the {len(places)} "
                f"texts of a request {found.bad[0]}"
            )
        self._rows[places] = found.vectors
        with self._turn:
            self._blamed |= {places[row]: reason for row, reason in found.bad.items()}

    def _refused(self, places: list[int], said: str) -> None:
        if not self._plain_is_fine:
            again = self._asker.check_plain(self._side, self._dim, self._stop)
            self._plain_is_fine = not again
            if again:
                self._fill(places)
                return
        if len(places) == 1:
            with self._turn:
                self._blamed[places[0]] = said
            return
        half = len(places) // 2
        for part in (places[:half], places[half:]):
            self._fill(part)
        if not self._blamed.keys() & set(places):
            self._asker.note(
                f"{self._asker.who} took no {len(places)} texts in one request ({said}), and took "
                "them in two; set a smaller batch_items or batch_tokens in [encoder]"
            )
