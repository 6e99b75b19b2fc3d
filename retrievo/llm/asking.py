"""Many questions to a chat model, some at once; those that fail cost themselves alone."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextvars import copy_context
from typing import Any

from retrievo.encode.remote.client import Client, RefusedError
from retrievo.errors import EncoderError
from retrievo.llm.chat import LIMIT_BYTES, PATH, Answer, read, refuses

FAILURES = 3
"""Requests that failed in a row, and none in between went well: the service is not there."""


class Asking:
    """Asks through a client, and stops asking a service that does not answer."""

    def __init__(self, client: Client, concurrency: int, *, first_alone: bool = True) -> None:
        self._client = client
        self._first_alone = first_alone
        self._concurrency = concurrency
        self._turn = threading.Lock()
        self._failed_in_a_row = 0
        self.reason = ""
        """Why the first request failed that did since `begin`; "" where none has."""
        self.answered = self.input_tokens = self.output_tokens = 0

    @property
    def given_up(self) -> bool:
        """Whether nothing more is asked before `begin`."""
        return self._failed_in_a_row >= FAILURES

    def begin(self) -> None:
        """Ask again."""
        self._failed_in_a_row, self.reason = 0, ""

    def ask(
        self, bodies: Mapping[int, dict[str, Any]], answered: Callable[[int, str], None]
    ) -> None:
        """Call `answered` with the key of each question and its answer, as soon as that is there.

        It is called in several threads. Nothing is called for what fails. The first goes alone,
        unless told otherwise: what a server has read of a document it need not read for the others.
        """
        places = list(bodies)
        alone = 1 if self._first_alone else 0
        for part in (places[:alone], places[alone:]):
            self._at_once(part, bodies, answered)

    def _at_once(
        self,
        places: Sequence[int],
        bodies: Mapping[int, dict[str, Any]],
        answered: Callable[[int, str], None],
    ) -> None:
        if not places or self.given_up:
            return
        stop = threading.Event()

        def one(place: int) -> None:
            answer = self._answer(bodies[place], stop)
            if answer is not None:
                answered(place, answer.text)

        pool = ThreadPoolExecutor(min(self._concurrency, len(places)), "retrievo-chat")
        try:
            # The copy hands on where warnings are collected.
            futures = [pool.submit(copy_context().run, one, place) for place in places]
            for future in as_completed(futures):
                future.result()
        finally:
            # All are done here, or a Ctrl-C came: then the others end.
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)

    def _answer(self, body: dict[str, Any], stop: threading.Event) -> Answer | None:
        if stop.is_set() or self.given_up:
            return None
        try:
            answer = self._client.post(
                PATH, body, read=read, refuses=refuses, limit_bytes=LIMIT_BYTES, stop=stop
            )
        except (RefusedError, EncoderError) as error:
            with self._turn:
                self._failed_in_a_row += 1
                self.reason = self.reason or self._said(error)
            return None
        with self._turn:
            self._failed_in_a_row = 0
            self.answered += 1
            self.input_tokens += answer.input_tokens
            self.output_tokens += answer.output_tokens
        return answer

    def _said(self, error: Exception) -> str:
        if isinstance(error, RefusedError):
            return f"{self._client.who} refused a request ({error})"
        return str(error)
