"""What changed: documents compared with the store, cut, and gathered into batches.

A document is compared by its fingerprint. What is new or changed is cut, and chunks that kept their
text and context keep their vectors. Batches are bounded by tokens, so that a slow encoder has never
much to lose; and by chunks and characters for chunkers that do not count tokens. All bounds count
input, never time, so that a run repeats exactly.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from retrievo.chunk.checking import checked_chunks
from retrievo.contracts import Chunker, Store
from retrievo.errors import ConfigError, DocumentError, RetrievoError
from retrievo.ingest.comparing import fingerprint_of, other_file, rows_to_reuse
from retrievo.ingest.ledger import marked
from retrievo.ingest.report import Failure
from retrievo.tokens import without_surrogates
from retrievo.truncation import Truncation
from retrievo.types import Chunk, Document, content_hash

COMPARED_AT_ONCE = 512
"""Documents whose fingerprints are looked up together, fewer where they are long."""

TOKENS_A_BATCH = 262_144
CHUNKS_A_BATCH = 4_096
CHARACTERS_A_BATCH = 16_000_000
"""A batch ends at whichever comes first. A transformer of 12,000 tokens a second works for 20
seconds on a batch, which is what a run that is killed loses at most."""


@dataclass(slots=True)
class Changed:
    """Documents of one batch to be written, and where each chunk's vectors come from."""

    items: list[tuple[Document, list[Chunk]]] = field(default_factory=list)
    fingerprints: list[str] = field(default_factory=list)
    reuse: list[list[int]] = field(default_factory=list)
    """For each document, for each of its chunks: the row whose vectors it keeps, or -1."""
    known: list[bool] = field(default_factory=list)
    """For each document: whether the store has an older state of it."""
    chunks: int = 0
    tokens: int = 0
    characters: int = 0

    def add(
        self,
        document: Document,
        chunks: list[Chunk],
        fingerprint: str,
        reuse: list[int],
        *,
        known: bool,
    ) -> None:
        self.items.append((document, chunks))
        self.fingerprints.append(fingerprint)
        self.reuse.append(reuse)
        self.known.append(known)
        self.chunks += len(chunks)
        self.tokens += sum(chunk.token_count for chunk in chunks)
        self.characters += len(document.text)

    @property
    def is_full(self) -> bool:
        return (
            self.tokens >= TOKENS_A_BATCH
            or self.chunks >= CHUNKS_A_BATCH
            or self.characters >= CHARACTERS_A_BATCH
        )

    @property
    def fresh(self) -> list[tuple[Document, list[Chunk]]]:
        """The items with only those chunks that have no vectors yet."""
        if not any(row >= 0 for rows in self.reuse for row in rows):
            return self.items
        kept = [
            (document, [chunk for chunk, row in zip(chunks, rows, strict=True) if row < 0])
            for (document, chunks), rows in zip(self.items, self.reuse, strict=True)
        ]
        return [item for item in kept if item[1]]

    def account(self, cut: Mapping[str, Truncation]) -> None:
        """Put onto each chunk that was encoded what of its text encoders read.

        Chunks of equal texts have equal vectors, and so the same account.
        """
        for place, (document, chunks) in enumerate(self.items):
            now = [
                chunk if row >= 0 else marked(chunk, _read(chunk, cut))
                for chunk, row in zip(chunks, self.reuse[place], strict=True)
            ]
            self.items[place] = (document, now)

    def ids(self, *, known: bool) -> list[str]:
        """Of the documents that the store has an older state of, or of the others."""
        pairs = zip(self.items, self.known, strict=True)
        return [document.id for (document, _), old in pairs if old == known]

    def without(self, doc_ids: set[str]) -> "Changed":
        """The same batch with these documents left out."""
        rest = Changed()
        for (document, chunks), fingerprint, reuse, known in zip(
            self.items, self.fingerprints, self.reuse, self.known, strict=True
        ):
            if document.id not in doc_ids:
                rest.add(document, chunks, fingerprint, reuse, known=known)
        return rest


class Changes:
    """Compares one run's documents with what the store has of the tenant.

    `seen` fills with the fingerprint of every document that came, `failures` with those that cannot
    be indexed, `kept` with the ids of those that are as they were.
    """

    def __init__(
        self,
        store: Store,
        chunker: Chunker,
        *,
        reusable: bool,
        tenant: str | None,
        fingerprint: Callable[[Document], str] = fingerprint_of,
    ) -> None:
        self._fingerprint = fingerprint
        self._store = store
        self._chunker = chunker
        self._reusable = reusable
        self._tenant = tenant
        self.seen: dict[str, str] = {}
        self.kept: list[str] = []
        self.failures: list[Failure] = []
        self.nameless = 0
        """How many of the failures are of items that have no id to tell."""
        self._repeated: list[str] = []

    def batches(self, documents: Iterable[object]) -> Iterator[Changed]:
        """What is new or changed, in the order of the input."""
        changed = Changed()
        for group in _groups(documents):
            for document, fingerprint, known in self._compare(group):
                self._cut(changed, document, fingerprint, known=known)
                if changed.is_full:
                    yield changed
                    changed = Changed()
        if changed.items:
            yield changed

    def told(self) -> list[str]:
        """What a caller should know of the input as a whole."""
        if not self._repeated:
            return []
        n, first = len(self._repeated), self._repeated[0]
        return [f"{n} documents came twice with the same id and content, {first!r} the first"]

    def _compare(self, group: list[object]) -> Iterator[tuple[Document, str, bool]]:
        """The documents of a group that are new or changed, and whether the store has them."""
        given: list[tuple[Document, str]] = []
        for item in group:
            try:
                document = Document.of(item)
                fingerprint = self._fingerprint(document)
                if self._is_repeated(document, fingerprint):
                    continue
                given.append((document, fingerprint))
            except DocumentError as error:
                self.failures.append(Failure("a document", str(error)))
                self.nameless += 1
        known = self._store.fingerprints([document.id for document, _ in given], self._tenant)
        for document, fingerprint in given:
            old = known.get(document.id)
            if old == fingerprint:
                self.kept.append(document.id)
            else:
                yield document, fingerprint, old is not None

    def _is_repeated(self, document: Document, fingerprint: str) -> bool:
        first = self.seen.setdefault(document.id, fingerprint)
        if first is fingerprint:
            return False
        if first == fingerprint:
            self._repeated.append(document.id)
        else:
            reason = "the id comes twice in this run with different contents; the first one is in"
            self.failures.append(Failure(document.id, reason))
        return True

    def _cut(self, changed: Changed, document: Document, fingerprint: str, *, known: bool) -> None:
        try:
            chunks = checked_chunks(document, self._chunker.chunk(document))
            if getattr(self._chunker, "incomplete", False):
                # Another fingerprint than the document's: the next run takes it for changed.
                fingerprint = content_hash(fingerprint, "incomplete")
        except ConfigError:
            raise  # it is the same for all documents: a limit of what may be spent, say
        except RetrievoError as error:
            self.failures.append(Failure(document.id, str(error)))
            return
        except Exception as error:  # a plugin's chunker may raise anything; the others go on
            name = type(self._chunker).__name__
            reason = f"the chunker {name} raised {type(error).__name__}: {error}"
            self.failures.append(Failure(document.id, reason))
            return
        reuse = [-1] * len(chunks)
        if known:
            rows = self._store.document_rows([document.id], self._tenant)[0]
            old = list(zip(rows.tolist(), self._store.get(rows), strict=True))
            other = other_file(document, old[0][1] if old else None)
            if other is not None:
                self.failures.append(Failure(document.id, other))
                return
            if self._reusable:
                reuse = rows_to_reuse(old, chunks)
                # The vector stays, and so does the account of what is in it.
                accounts = {row: chunk.truncated for row, chunk in old}
                chunks = [
                    chunk if row < 0 else marked(chunk, accounts[row])
                    for chunk, row in zip(chunks, reuse, strict=True)
                ]
        changed.add(document, chunks, fingerprint, reuse, known=known)


def _read(chunk: Chunk, cut: Mapping[str, Truncation]) -> tuple[int, int] | None:
    if not cut:
        return None
    text = chunk.indexed_text
    entry = cut.get(text) or cut.get(without_surrogates(text))
    return None if entry is None else (entry.tokens_seen, entry.tokens_total)


def _groups(documents: Iterable[object]) -> Iterator[list[object]]:
    """The items in order, at most COMPARED_AT_ONCE of them or about a batch of characters."""
    group: list[object] = []
    characters = 0
    for item in documents:
        group.append(item)
        characters += _length(item)
        if len(group) >= COMPARED_AT_ONCE or characters >= CHARACTERS_A_BATCH:
            yield group
            group, characters = [], 0
    if group:
        yield group


def _length(item: object) -> int:
    """Characters of a document, or of all texts of a record that will become one."""
    if isinstance(item, Mapping):
        return sum(len(value) for value in item.values() if isinstance(value, str))
    text = getattr(item, "text", None) or getattr(item, "page_content", None)
    return len(text) if isinstance(text, str) else 0
