"""One request for vectors: the answer looked at, and what else it says kept for the user."""

import threading

from retrievo.encode.encoded import Side
from retrievo.encode.remote.answers import Checked, checked
from retrievo.encode.remote.client import Client, RefusedError
from retrievo.encode.remote.wire import Format
from retrievo.errors import EncoderError

PLAIN = "retrievo"
"""A text that every service takes: where it is refused, the request is at fault, not a text."""

_BYTES_A_NUMBER = 32
_BYTES_A_TEXT = 4_096
_BYTES_AROUND = 1_048_576
_WIDEST = 16_384


class Asker:
    """Asks a service in its format, and without what it turns out not to know."""

    def __init__(self, client: Client, form: Format, model: str) -> None:
        self.who = client.who
        self._client = client
        self._form = form
        self._model = model
        self._turn = threading.Lock()
        self._notes: list[str] = []
        self._noted: set[str] = set()
        self.tokens_used = 0
        """What the service says that it has counted so far."""

    def ask(self, texts: list[str], side: Side, dim: int | None, stop: threading.Event) -> Checked:
        """The vectors of the texts. Raises RefusedError, EncoderError."""
        form = self._form
        answer = self._client.post(
            form.path,
            form.body(texts, side),
            read=form.read,
            refuses=form.refuses,
            limit_bytes=_BYTES_AROUND
            + len(texts) * (_BYTES_A_TEXT + _BYTES_A_NUMBER * (dim or _WIDEST))
            # Some services send the texts back.
            + 6 * sum(map(len, texts)),
            stop=stop,
        )
        for warning in answer.warnings:
            self.note(f"{self.who} warns: {' '.join(warning.split())[:300]}")
        if answer.model is not None and not _same(self._model, answer.model):
            self.note(
                f"{self.who} was asked for the model {self._model!r} and answered with "
                f"{answer.model[:100]!r}; see that it is the one you mean"
            )
        with self._turn:
            self.tokens_used += answer.tokens or 0
        return checked(answer, len(texts), dim, self.who)

    def check_plain(self, side: Side, dim: int | None, stop: threading.Event) -> bool:
        """Whether the request has to be sent again, as the format is another one from now on.

        To be called where texts were refused. Raises EncoderError where any text would be.
        """
        form = self._form
        try:
            self.ask([PLAIN], side, dim, stop)
            return False
        except RefusedError as error:
            refused = error
        plainer = form.plainer()
        if plainer is not None:
            self._form = plainer
            try:
                self.ask([PLAIN], side, dim, stop)
            except RefusedError as error:
                refused = error
            else:
                self.note(
                    f"{self.who} refuses vectors as base64 ({refused}): they come as text, four "
                    "times as long; set encoding = 'float' in [encoder]"
                )
                return True
            self._form = form
        raise EncoderError(
            f"{self.who} refuses every text ({refused}); see model, dimensions and the other "
            "arguments of [encoder]"
        )

    def note(self, message: str) -> None:
        """Something that a user should know, once; threads cannot tell it themselves."""
        with self._turn:
            if message not in self._noted:
                self._noted.add(message)
                self._notes.append(message)

    def take_notes(self) -> list[str]:
        """What was noted since it was last asked for."""
        with self._turn:
            notes, self._notes = self._notes, []
        return notes


def _same(asked: str, answered: str) -> bool:
    """Whether two names may be of one model: services add versions, and leave folders out."""
    one, other = (name.lower().rstrip("/").rpartition("/")[2] for name in (asked, answered))
    return one.startswith(other) or other.startswith(one)
