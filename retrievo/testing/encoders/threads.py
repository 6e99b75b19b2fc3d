"""Searches run in threads, and one encoder serves them all."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from retrievo.contracts import Encoder
from retrievo.errors import RetrievoWarning
from retrievo.testing.encoders.checking import VERBS, apart, encode, mixed_texts
from retrievo.testing.encoders.hooks import EncoderHooks
from retrievo.types import Vectors

_THREADS = 4
_ROUNDS = 2


class Threads(EncoderHooks):
    """Several threads at once get what one gets."""

    @pytest.mark.parametrize("verb", VERBS)
    def test_threads_at_once_get_what_one_gets(self, encoder: Encoder, verb: str) -> None:
        texts = mixed_texts(16)
        shares = [texts[start::_THREADS] for start in range(_THREADS)]
        wanted = [encode(encoder, verb, share) for share in shares]
        together = Barrier(_THREADS)

        def work(share: list[str]) -> list[Vectors]:
            together.wait()
            return [getattr(encoder, verb)(share) for _ in range(_ROUNDS)]

        with warnings.catch_warnings(), ThreadPoolExecutor(_THREADS) as pool:
            warnings.simplefilter("ignore", RetrievoWarning)
            found = list(pool.map(work, shares))
        for share, rounds in zip(wanted, found, strict=True):
            for vectors in rounds:
                assert vectors.shape == share.shape
                far = apart(vectors, share)
                assert far <= self.tolerance, f"threads disturb one another: {far:.1e} apart"
