"""A chunker and what gives its chunks their context, as one chunker."""

from collections.abc import Callable, Sequence
from typing import Any

from retrievo.contextualize.estimate import Estimate
from retrievo.contracts import Chunker, Contextualizer
from retrievo.errors import DocumentError, RetrievoError
from retrievo.identity import chunker_identity
from retrievo.types import Chunk, Document

_KEPT = ("id", "doc_id", "text", "start", "end", "token_count", "metadata", "parent", "truncated")


def chunker_of(part: Callable[[str], Any], *, planning: bool = False) -> Chunker:
    """The chunker of a pipeline's parts, with their contextualizer where they have one.

    Made anew for each run. With `planning` nothing is sent to a model.
    """
    chunker: Chunker = part("chunker")
    contextualizer: Contextualizer | None = part("contextualizer")
    if contextualizer is None:
        return chunker
    return Contextualized(chunker, contextualizer, planning=planning)


class Contextualized:
    """Chunks of `chunker` with the contexts of `contextualizer`; of one run.

    With `planning` the contextualizer is asked for what costs nothing, and `estimate` adds up what
    the rest would cost; None where it has nothing to estimate.
    """

    def __init__(
        self, chunker: Chunker, contextualizer: Contextualizer, *, planning: bool = False
    ) -> None:
        self._chunker, self._contextualizer = chunker, contextualizer
        self._plan = getattr(contextualizer, "plan", None) if planning else None
        self._begun = planning
        self.estimate = None if self._plan is None else Estimate()

    @property
    def tokenizer_name(self) -> str:
        """What a passport calls the tokenizer that counts."""
        return str(getattr(self._chunker, "tokenizer_name", ""))

    @property
    def incomplete(self) -> bool:
        """Whether the document that came last has to be taken up again by the next run."""
        return self._plan is None and bool(getattr(self._contextualizer, "incomplete", False))

    def parameters(self) -> dict[str, Any]:
        """What a passport keeps: the chunker's own, and the contextualizer's beside them."""
        told = getattr(self._contextualizer, "parameters", None)
        name = type(self._contextualizer).__name__
        own = dict(told()) if callable(told) else {"name": name}
        return {**chunker_identity(self._chunker), "contextualizer": own}

    def chunk(self, document: Document) -> list[Chunk]:
        """The chunker's chunks, each with its new context.

        Raises DocumentError where the contextualizer changed anything else.
        """
        chunks = list(self._chunker.chunk(document))
        name = type(self._contextualizer).__name__
        if not self._begun:
            self._begun = True
            begin = getattr(self._contextualizer, "begin", None)
            if begin is not None:
                begin()
        try:
            if self._plan is not None:
                given, more = self._plan(document, chunks)
                self.estimate += more
            else:
                given = self._contextualizer.contextualize(document, chunks)
            given = list(given)
        except RetrievoError:
            raise
        except Exception as error:  # a plugin's code may raise anything
            said = f"the contextualizer {name} raised {type(error).__name__}: {error}"
            raise DocumentError(said) from error
        _check(chunks, given, name)
        return given


def _check(chunks: Sequence[Chunk], given: Sequence[Chunk], name: str) -> None:
    if len(given) != len(chunks):
        raise DocumentError(
            f"the contextualizer {name} gave {len(given)} chunks for {len(chunks)}; the same ones "
            "are wanted, with another context"
        )
    for chunk, made in zip(chunks, given, strict=True):
        where = f"the contextualizer {name} gave for the chunk [{chunk.start}:{chunk.end}]"
        if not isinstance(made, Chunk):
            raise DocumentError(f"{where} a {type(made).__name__}, a Chunk is wanted")
        if not isinstance(made.context, str):
            found = type(made.context).__name__
            raise DocumentError(f"{where} a {found} as context, a str is wanted")
        for field in _KEPT if made is not chunk else ():
            if getattr(made, field) != getattr(chunk, field):
                raise DocumentError(f"{where} another {field}; only its context may change")
