"""The document encoder of an index, known from its passport and built when it has to encode."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from retrievo.contracts import Encoder
from retrievo.errors import MismatchError
from retrievo.types import Vectors


class DeferredEncoder:
    """What a passport knows of an encoder, in its place until a text is to be encoded.

    Where queries have an encoder of their own, a search needs of the document encoder no more than
    its size and its fingerprint: a teacher of gigabytes is then never loaded. Whatever the passport
    does not tell builds the encoder, in whichever thread asks first; `build` gives the same one
    each time. Raises MismatchError where that is not the one that the passport tells of.
    """

    def __init__(self, known: Mapping[str, Any], build: Callable[[], Encoder], where: str) -> None:
        self._known, self._build, self._where = dict(known), build, where
        self._encoder: Encoder | None = None

    @property
    def dim(self) -> int:
        return int(self._known["dim"])

    @property
    def fingerprint(self) -> str:
        return str(self._known["fingerprint"])

    @property
    def dense_weight(self) -> float | None:
        """Its share in the default fusion, where it asks for one."""
        return self._known.get("dense_weight")

    @property
    def max_tokens(self) -> int | None:
        return self.encoder().max_tokens

    def identity(self) -> dict[str, Any]:
        """What the passport has."""
        return dict(self._known)

    def encoder(self) -> Encoder:
        """The encoder itself, built where it is not yet."""
        # Without a lock: who builds has one of its own, and two in a circle would wait for ever.
        if self._encoder is None:
            made = self._build()
            if made.fingerprint != self.fingerprint:
                told: dict[str, Any] = getattr(made, "identity", dict)()
                raise MismatchError(
                    f"the index {self._where} was made with the encoder "
                    f"{self._known.get('model') or self._known.get('name')} as "
                    f"{self.fingerprint}, and [encoder] is now {told.get('model', '')} as "
                    f"{made.fingerprint}: its weights or its settings have changed; open the "
                    "index with the encoder that made it, or run `retrievo migrate`"
                )
            self._encoder = made
        return self._encoder

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        return self.encoder().encode_query(texts)

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        return self.encoder().encode_document(texts)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # before __init__ has run, and what Python itself looks for
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.encoder(), name)

    def __repr__(self) -> str:
        return f"DeferredEncoder({self._known.get('model') or self._known.get('name')!r})"
