"""Which documents of an index have moved, and are in the new one as they are in the old one now."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from retrievo.contracts import Store
from retrievo.migrate.stored_documents import tenants_of
from retrievo.migrate.two_spaces import Moved
from retrievo.types import Rows

AT_ONCE = 1024


class Tracking:
    """The new index of a migration beside the old one, compared by document fingerprints.

    `moved` is replaced as a whole, so that a search sees one state. What is about to change in the
    old index leaves it first (`changing`), and only documents that are the same in both get in.
    """

    def __init__(self, old: Store, new: Store) -> None:
        self._old, self._new = old, new
        self._turn = threading.RLock()
        self.moved = Moved.none()

    def known(self, tenant: str | None) -> dict[str, str]:
        """Fingerprints of what has moved."""
        if not self._new.document_count():  # it may not know yet whether it has tenants
            return {}
        return self._new.fingerprints(None, tenant)

    def missing(self) -> list[str]:
        """Ids of documents that have not moved, or have changed since."""
        found = []
        for tenant in tenants_of(self._old):
            there = self.known(tenant)
            now = self._old.fingerprints(None, tenant)
            found += [name for name, known in now.items() if there.get(name) != known]
        return found

    def reconcile(self) -> None:
        """Take out of the new index what the old one has no more, or has otherwise by now."""
        if self._new.document_count():
            for tenant in tenants_of(self._new):
                now = self._old.fingerprints(None, tenant)
                there = self._new.fingerprints(None, tenant)
                gone = [one for one, known in there.items() if now.get(one) != known]
                with self.changing(gone, tenant):
                    pass
        self.refresh()

    @contextmanager
    def changing(self, doc_ids: Sequence[str], tenant: str | None) -> Iterator[None]:
        """Around a change of these documents in the old index.

        They count to the old index from now on, and leave the new one afterwards: a search that has
        seen them moved still finds them there. A kill in between leaves that to `reconcile`.
        """
        with self._turn:
            there = bool(doc_ids) and self._new.document_count() > 0
            if there:
                rows = np.concatenate(self._new.document_rows(doc_ids, tenant))
                stays = ~np.isin(self.moved.new, rows)
                self.moved = Moved(self.moved.new[stays], self.moved.old[stays])
            yield
            if there:
                self._new.delete(doc_ids, tenant)

    def refresh(self) -> None:
        """Look up which rows have moved since."""
        with self._turn, self._old.reading(), self._new.reading():
            parts = list(self._new.scan())
            new = np.concatenate(parts) if parts else np.empty(0, np.int64)
            known = self.moved
            stays = np.isin(known.new, new)
            fresh = new[~np.isin(new, known.new)]
            found = [self._old_rows(fresh[at : at + AT_ONCE]) for at in _starts(fresh)]
            old = np.concatenate([known.old[stays], *found])
            rows = np.concatenate([known.new[stays], fresh])
            order = np.argsort(rows)
            order = order[old[order] >= 0]
            self.moved = Moved(rows[order], old[order])

    def _old_rows(self, rows: Rows) -> Rows:
        """The same chunks' rows in the old index, -1 where it has none of that id."""
        found = np.full(len(rows), -1, np.int64)
        owners, chunks = self._new.tenants(rows), self._new.get(rows)
        for tenant in dict.fromkeys(owners):
            at = [place for place, owner in enumerate(owners) if owner == tenant]
            ids = list(dict.fromkeys(chunks[place].doc_id for place in at))
            there = self._new.fingerprints(ids, tenant)
            now = self._old.fingerprints(ids, tenant)
            same = {one for one in ids if there.get(one) == now.get(one)}
            at = [place for place in at if chunks[place].doc_id in same]
            found[at] = self._old.rows([chunks[place].id for place in at], tenant)
        return found


def _starts(rows: Rows) -> range:
    return range(0, len(rows), AT_ONCE)
