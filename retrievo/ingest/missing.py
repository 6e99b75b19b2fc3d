"""Documents that the index has and a synced source no longer does."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from pathlib import Path

import numpy as np

from retrievo.contracts import Store
from retrievo.ingest.changes import Changes
from retrievo.ingest.sources import Sources
from retrievo.metadata import file_of
from retrievo.telling import tell

LOOKED_AT_ONCE = 512


def gone_documents(
    store: Store, tenant: str | None, given: Sources, changes: Changes, *, sync: bool
) -> list[str]:
    """Ids of the tenant's documents that the sources say are gone, once they were read to the end.

    Those of files that are empty now, and with `sync` all that the sources did not give: of
    folders only those that came from a file in one of them. What came from a file that could not be
    read this time stays. Where it is not certain what the sources hold, nothing goes, and that is
    told.
    """
    gone = _emptied(store, tenant, given.emptied)
    if not sync:
        return gone
    if changes.nameless:
        n = changes.nameless
        tell(f"nothing else is deleted: {n} of the documents given could not be told by their ids")
        return gone
    if not changes.seen:
        tell(
            "nothing else is deleted: the sources hold no document at all; where that is right, "
            "use delete()"
        )
        return gone
    seen = {*changes.seen, *gone}
    return gone + _missing(store, tenant, seen, given.folders, given.unread)


def _emptied(store: Store, tenant: str | None, emptied: Mapping[str, Sequence[Path]]) -> list[str]:
    """Ids of documents whose file is empty now; one that came from another file stays."""
    here = list(store.fingerprints(list(emptied), tenant)) if emptied else []
    return [
        doc_id
        for doc_id, path in _paths(store, tenant, here)
        if path and any(_same(path, p) for p in emptied[doc_id])
    ]


def _same(path: str, other: Path) -> bool:
    try:
        return os.path.samefile(path, other)
    except OSError:
        return False


def _missing(
    store: Store,
    tenant: str | None,
    seen: Set[str],
    folders: Sequence[Path] | None,
    unread: Iterable[Path],
) -> list[str]:
    gone = sorted(store.fingerprints(None, tenant).keys() - seen)
    tops = None if folders is None else {os.path.abspath(folder) for folder in folders}
    spared = {os.path.abspath(path) for path in unread}
    if not gone or (tops is None and not spared):
        return gone
    found, nowhere = [], []
    for doc_id, given in _paths(store, tenant, gone):
        path = os.path.abspath(given) if given else ""
        if not _is_in(path, spared) and (tops is None or _is_in(path, tops)):
            found.append(doc_id)
        elif given and not os.path.isabs(given) and not os.path.exists(path):
            nowhere.append(given)
    if nowhere:
        tell(
            f"{len(nowhere)} documents stay whose files are not there, {nowhere[0]!r} the first: "
            "their paths are relative to the folder that they were indexed from; sync from there"
        )
    return found


def _paths(store: Store, tenant: str | None, ids: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(id, path of the file that it came from as it was given, empty without one)."""
    for start in range(0, len(ids), LOOKED_AT_ONCE):
        part = ids[start : start + LOOKED_AT_ONCE]
        rows = store.document_rows(part, tenant)
        first = np.array([some[0] for some in rows if len(some)], np.int64)
        chunks = iter(store.get(first))
        for doc_id, some in zip(part, rows, strict=True):
            yield doc_id, (file_of(next(chunks).metadata) or "") if len(some) else ""


def _is_in(path: str, tops: Set[str]) -> bool:
    """Whether the path is one of them, or below one."""
    while path:
        if path in tops:
            return True
        above = os.path.dirname(path)
        if above == path:
            break
        path = above
    return False
