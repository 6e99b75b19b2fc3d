"""The documents of an index as it keeps them, for an index of the same chunks."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from retrievo.contracts import Store
from retrievo.ingest.changes import Changed
from retrievo.types import Chunk, Document


class StoredDocuments:
    """Iterates the documents of one tenant in the order of their rows, and is their chunker.

    A store keeps chunks, not documents: the text that comes back is that of the chunks in their
    places, with spaces for what white space was between them. Chunks keep their ids, spans, tokens
    and context. `have` tells the fingerprints of what has moved already, which does not come;
    `wanted` holds ids of documents that come before others; `stopped` ends it, at the end of a
    batch of an ingest: a transformer's last bits depend on what else is in a batch, and those that
    come later are then what they would be without the pause.
    """

    def __init__(
        self,
        store: Store,
        tenant: str | None,
        *,
        have: Callable[[Sequence[str]], Mapping[str, str]],
        wanted: deque[str] | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store, self._tenant, self._have = store, tenant, have
        self._wanted, self._stopped = wanted if wanted is not None else deque(), stopped
        self._chunks: dict[str, list[Chunk]] = {}
        self._fingerprints: dict[str, str] = {}

    def __iter__(self) -> Iterator[Document]:
        batch = Changed()
        if self._stopped():
            return
        for doc_id in self._order():
            for document in self._documents([doc_id]):
                batch.add(document, self._chunks[doc_id], "", [], known=False)
                yield document
                if batch.is_full:
                    batch = Changed()
                    if self._stopped():
                        return

    def _order(self) -> Iterator[str]:
        """Each document's id once, those that are wanted as soon as they are."""
        seen: set[str] = set()
        for group in self._groups():
            for doc_id in group:
                while self._wanted:
                    first = self._wanted.popleft()
                    if first not in seen:
                        seen.add(first)
                        yield first
                if doc_id not in seen:
                    seen.add(doc_id)
                    yield doc_id

    def _groups(self) -> Iterator[list[str]]:
        """Ids of documents in the order of their first rows; some may come again."""
        for rows in self._store.scan():
            if self._tenant is not None:
                owners = self._store.tenants(rows)
                rows = rows[[owner == self._tenant for owner in owners]]
            yield list(dict.fromkeys(chunk.doc_id for chunk in self._store.get(rows)))

    def _documents(self, doc_ids: Sequence[str]) -> Iterator[Document]:
        with self._store.reading():
            known = self._store.fingerprints(doc_ids, self._tenant)
            there = self._have(doc_ids)
            places = self._store.document_rows(doc_ids, self._tenant)
            found = [self._store.get(rows) for rows in places]
        for doc_id, chunks in zip(doc_ids, found, strict=True):
            if not chunks or known.get(doc_id) in (None, there.get(doc_id)):
                continue  # deleted since, or moved already
            self._fingerprints[doc_id] = known[doc_id]
            # What the old encoder did not read is no matter of the new one.
            self._chunks[doc_id] = [replace(chunk, truncated=None) for chunk in chunks]
            yield Document(doc_id, _text(chunks), chunks[0].metadata)

    def chunk(self, document: Document) -> list[Chunk]:
        """The chunks that the index has of the document."""
        return self._chunks.pop(document.id)

    def fingerprint(self, document: Document) -> str:
        """What the index knows the document by: what it was made of is not all there any more."""
        return self._fingerprints.pop(document.id)


def _text(chunks: Sequence[Chunk]) -> str:
    pieces: list[str] = []
    end = 0
    for chunk in sorted(chunks, key=lambda chunk: (chunk.start, chunk.end)):
        if chunk.end <= end:
            continue
        if chunk.start > end:
            pieces.append(" " * (chunk.start - end))
            end = chunk.start
        pieces.append(chunk.text[end - chunk.start :])
        end = chunk.end
    return "".join(pieces)


def tenants_of(store: Store) -> list[str | None]:
    """The tenants of an index in the order of their first rows; [None] without tenants."""
    if not store.tenanted():
        return [None]
    found: dict[str | None, None] = {}
    for rows in store.scan():
        found |= dict.fromkeys(store.tenants(rows))
    return list(found)
