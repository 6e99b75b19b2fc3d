"""What the steps must offer, from readers and chunkers to fusions and rerankers."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from retrievo.contracts.stored import Space
from retrievo.types import (
    Candidates,
    Chunk,
    Document,
    Found,
    Query,
    Representation,
    Vectors,
)

if TYPE_CHECKING:
    from retrievo.filters import Filter

Spans = npt.NDArray[np.int32]
Items = Sequence[tuple[Document, list[Chunk]]]


@runtime_checkable
class Reader(Protocol):
    """Makes documents of files. `suffixes` are lower-case, with their dot: `{".md"}`.

    Optional: `many = True` where one file holds several documents, with ids of their own (those
    that begin with '#' are completed with the file's path); `streamed`, the suffixes that are read
    in pieces and so have no limit of size; `incomplete`, True after a read that left something out,
    so that a sync keeps what came from the file before.
    """

    suffixes: frozenset[str]

    def read(self, path: Path) -> Iterator[Document]:
        """The documents of one file, with ids relative to nothing: the walk sets them.

        Raises ReadError, naming the file, where it cannot be read.
        """
        ...


@runtime_checkable
class Tokenizer(Protocol):
    """Says where tokens are; most encoders are one."""

    def token_spans(self, text: str) -> Spans:
        """int32[n, 2]: start and end of each token in characters, in order, without specials."""
        ...


@runtime_checkable
class Chunker(Protocol):
    def chunk(self, document: Document) -> list[Chunk]:
        """Chunks in order, each an exact slice of the document; an empty text gives one, empty."""
        ...


@runtime_checkable
class Contextualizer(Protocol):
    """Writes the context of chunks: what is embedded and indexed beside their text.

    Optional: `parameters() -> dict` for the passport; `begin()`, called before the first document
    of a run; `incomplete`, True after a call that left out what may go well the next time, so that
    the next run takes the document up again. One that costs money offers `plan(document, chunks)
    -> tuple[list[Chunk], Estimate]`, which sends nothing and gives the contexts that are known;
    `limited`, whether a run may cost too much, and `check(estimate)`, which raises ConfigError then
    (see retrievo.contextualize.estimate); `cache`, which is told where the index is.
    """

    def contextualize(self, document: Document, chunks: Sequence[Chunk]) -> list[Chunk]:
        """The same chunks in the same order, each with the `context` that it shall have.

        Anything else of a chunk that changes is refused. Context and text have to fit into what
        the encoder reads: the text is never cut for its context.
        """
        ...


@runtime_checkable
class Encoder(Protocol):
    """Turns texts into vectors, queries and documents told apart.

    Optional, and looked for by name: `token_spans(text)` (see Tokenizer), `special_tokens: int`,
    `dense_weight: float` (its share in the default fusion), `identity() -> dict` for the passport,
    `encode_spans(texts, spans, contexts)` and `spans_refused: str | None` (late chunking: see
    SentenceEncoder); `encode_tokens(texts, *, query) -> MultiRows`, `token_places` and
    `tokens_refused` (see SentenceEncoder); `on_truncate: str`, what it does with a
    longer text than it reads ("error", "warn", "split", "window"). One that has `on_truncate` hands
    each text of which it left something out to `retrievo.truncation.record`, and is believed.
    """

    @property
    def dim(self) -> int: ...
    @property
    def max_tokens(self) -> int | None:
        """The most tokens that one text may have, specials included; None without a limit."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes whenever the vectors of some text may change."""
        ...

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        """float32[len(texts), dim], in the order given."""
        ...

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        """float32[len(texts), dim], in the order given."""
        ...


@runtime_checkable
class Retriever(Protocol):
    """One branch: what it stores of a chunk, and how it searches that.

    Optional: `prepare(queries, filters)`, called outside the store's lock to encode what `search`
    will need; `ask(queries) -> Ask`, what `search` asks of the store, so that a store far away
    answers all branches in one request; `score(queries, rows) -> list[Scores]`; `settle(store) ->
    bool`, called at the end of an ingest to refit what depends on the whole collection;
    `whole_document = True` where a chunk's representation depends on more of its document than the
    chunk itself; `depth: int`; `first_stage(queries, depth, filters) -> list[Candidates]`, of a
    search in two steps the candidates of the first, which alone the second one scores;
    `token_scores(query, chunk) -> list[TokenScore]`, what each token of the Query gave;
    `asearch(queries, depth, filters)`, the same as `search` for a retriever that awaits a server.
    """

    @property
    def representations(self) -> Mapping[str, Space]: ...

    def represent(self, items: Items) -> Mapping[str, Representation]:
        """A row for each chunk of the items, in their order, for each representation."""
        ...

    def search(
        self, queries: Sequence[Query], depth: int, filters: "Filter | None" = None
    ) -> list[Candidates]:
        """For each query at most `depth` rows of the store."""
        ...


@runtime_checkable
class Fusion(Protocol):
    """Makes one list of several.

    Optional: `check_branches(names)`, which raises ConfigError where it cannot fuse these;
    `complete: bool`, whether candidates that one branch found are to be scored by the others before
    they come here; `weighed(weights) -> Fusion`, the same fusion with the weights of one query,
    by the names of the branches.
    """

    def fuse(self, branches: Mapping[str, Candidates], top_k: int) -> Candidates:
        """The best `top_k` rows and what ties with the last, with `contributions` to each score.

        The contributions of a row add up to its score. A branch that found nothing, whose scores
        are all equal or are not finite must not change the order of the others.
        """
        ...


@runtime_checkable
class Reranker(Protocol):
    """Reads query and chunk together.

    Optional: `depth: int`, how many chunks it is handed; `rank_found(query, found, top_k)`, called
    in the place of `rank` with the Query, which keeps its vectors, and what was Found;
    `arank(query, chunks, top_k)`, the same as `rank` for one that awaits a server.
    """

    def rank(self, query: str, chunks: Sequence[Chunk], top_k: int) -> Candidates:
        """Positions in `chunks` as rows, best first, with the model's own scores.

        Fewer positions than chunks say that the others were not read (its time was up, say): they
        follow in the order that they had, and the search tells. `scored_by` may say of each what
        its score comes from. Raises SearchError where it cannot rank at all.
        """
        ...


class FirstPass(Protocol):
    """What an expander may ask for before it expands: a search of the same branches and filters."""

    def __call__(self, query: Query, depth: int) -> Found:
        """At most `depth` chunks for the query, best first."""
        ...


@runtime_checkable
class Expander(Protocol):
    """Makes other forms of a query.

    Optional: `expand_found(query, first_pass) -> list[Query]`, called in the place of `expand` with
    a FirstPass; `aexpand(query)`, the same as `expand` for one that awaits a server. A chunk's
    score is the best that some form gave it, times that form's `weight`.
    """

    def expand(self, query: str) -> list[Query]:
        """The forms to search for, the query itself mostly the first of them.

        Raises SearchError where it cannot expand: the query is then searched for as it is, and the
        search tells.
        """
        ...
