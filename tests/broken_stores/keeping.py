"""Stores that keep or tell wrongly, each in one way that real ones have: the kit must see it."""

import contextlib
import dataclasses
import shutil
import time
import unicodedata
from pathlib import Path

import numpy as np

from retrievo.store.local.store import LocalStore
from retrievo.store.memory.store import MemoryStore

# Writing


class LosesAnUpdate(MemoryStore):
    """Inserts what is new and ignores what is there."""

    def write(self, batch):
        known = self.fingerprints([document.id for document, _ in batch.items], batch.tenant)
        if len(known) < len(batch.items) or not batch.items:
            super().write(batch)


class DeletesBeforeItWrites(MemoryStore):
    """A write that fails has already taken the old away."""

    def write(self, batch):
        if not (batch.reuse >= 0).any():
            self.delete([document.id for document, _ in batch.items], batch.tenant)
        super().write(batch)


class LeavesStaleChunks(MemoryStore):
    """Overwrites chunk by chunk: of a document that got shorter, the end stays."""

    def write(self, batch):
        items, reuse = [], []
        given = iter(batch.reuse.tolist())
        ids = [document.id for document, _ in batch.items]
        for (document, chunks), old in zip(
            batch.items, self.document_rows(ids, batch.tenant), strict=True
        ):
            rows = old[len(chunks) :]
            items.append((document, [*chunks, *self.get(rows)]))
            reuse += [*(next(given) for _ in chunks), *rows.tolist()]
        super().write(dataclasses.replace(batch, items=items, reuse=np.array(reuse, np.int64)))


class KeepsTheOldVectors(MemoryStore):
    """Takes a chunk of the same id for the same chunk, whatever it was encoded with."""

    def write(self, batch):
        known = self.rows([c.id for _, part in batch.items for c in part], batch.tenant)
        if len(known) and (known >= 0).all():
            batch = dataclasses.replace(batch, reuse=known, representations={})
        super().write(batch)


class ReusesRowNumbers(MemoryStore):
    """Numbers a row by how many there are."""

    def delete(self, doc_ids, tenant=None):
        gone = super().delete(doc_ids, tenant)
        rows = self._state().rows.array
        last = int(rows[-1]) + 1 if len(rows) else 0
        self._now = dataclasses.replace(self._now, next_row=last)
        return gone


class CountsDeletedRows(MemoryStore):
    """Its statistics know what was written, and not what was deleted."""

    def statistics(self, representation):
        found = super().statistics(representation)
        return dataclasses.replace(found, n=self._state().next_row)


class MixesReusedRows(MemoryStore):
    """Puts the values of reused rows before the new ones, whatever the chunks' order."""

    def write(self, batch):
        if (batch.reuse >= 0).any() and (batch.reuse < 0).any():
            kept = batch.reuse[batch.reuse >= 0]
            fresh = np.full(len(batch.reuse) - len(kept), -1, np.int64)
            batch = dataclasses.replace(batch, reuse=np.concatenate([kept, fresh]))
        super().write(batch)


# What comes back


class ChangesIds(MemoryStore):
    """Keeps documents under a changed id, under which it also looks them up."""

    def write(self, batch):
        items = [
            (
                dataclasses.replace(document, id=self.key(document.id)),
                [dataclasses.replace(chunk, doc_id=self.key(chunk.doc_id)) for chunk in chunks],
            )
            for document, chunks in batch.items
        ]
        super().write(dataclasses.replace(batch, items=items))

    def delete(self, doc_ids, tenant=None):
        return super().delete([self.key(name) for name in doc_ids], tenant)

    def document_rows(self, doc_ids, tenant=None):
        return super().document_rows([self.key(name) for name in doc_ids], tenant)


class CutsLongIds(ChangesIds):
    def key(self, name):
        return name[:255]


class NormalisesIds(ChangesIds):
    def key(self, name):
        return unicodedata.normalize("NFC", name)


class LosesTypes(MemoryStore):
    """Keeps numbers as a language without whole numbers does: 1.0 comes back as 1."""

    def write(self, batch):
        def plain(data):
            return {k: int(v) if type(v) is float and v == int(v) else v for k, v in data.items()}

        items = [
            (document, [dataclasses.replace(c, metadata=plain(c.metadata)) for c in chunks])
            for document, chunks in batch.items
        ]
        super().write(dataclasses.replace(batch, items=items))


class KeepsTheFirstAccount(LocalStore):
    """Of a chunk that stays where it is, what an encoder cut is not exchanged with the rest."""

    def write(self, batch):
        kept = {
            chunk.id: chunk.truncated
            for rows in self.scan()
            for chunk in self.get(rows)
            if (batch.reuse >= 0).any()
        }
        items = [
            (
                document,
                [dataclasses.replace(c, truncated=kept.get(c.id, c.truncated)) for c in chunks],
            )
            for document, chunks in batch.items
        ]
        super().write(dataclasses.replace(batch, items=items))


class SumsWhatIsGone(MemoryStore):
    """Counts the tokens that chunks lost as they come, and never as they go."""

    lost = (0, 0)

    def write(self, batch):
        super().write(batch)
        cut = [c.truncated for _, part in batch.items for c in part if c.truncated is not None]
        self.lost = (self.lost[0] + len(cut), self.lost[1] + sum(t - s for s, t in cut))

    def stats(self):
        return dataclasses.replace(super().stats(), truncated=self.lost)


# Lifetime and threads


class AnswersWhenClosed(MemoryStore):
    """Forgets to forget."""

    def close(self):
        self._closed = True


class ForgetsTheLastWrite(LocalStore):
    """Loses, when it is opened again, what was written last."""

    def open(self, passport, config=None):
        there = self.exists()
        super().open(passport, config)
        if there and not self.tenanted():
            self.delete(list(self.fingerprints())[-1:])


class SavesOnClose(LocalStore):
    """Works on a copy and puts it in its place when it is closed: a kill loses everything."""

    def __init__(self, path):
        self.place = Path(path)
        super().__init__(self.place.with_name(f"{self.place.name}.working"))

    def open(self, passport, config=None):
        if self.place.exists() and not self.exists():
            shutil.copytree(self.place, self.path)
        super().open(passport, config)

    def close(self):
        super().close()
        if self.path.exists():
            shutil.copytree(self.path, self.place, dirs_exist_ok=True)


class ReadsWithoutAScope(MemoryStore):
    """What a search found may be gone before it is fetched."""

    def reading(self):
        self._state()
        return contextlib.nullcontext()


class WritesInTwoSteps(MemoryStore):
    """Between the two a reader finds neither the old nor the new."""

    def write(self, batch):
        if batch.tenant is None and not (batch.reuse >= 0).any():
            self.delete([document.id for document, _ in batch.items])
            time.sleep(0.002)
        super().write(batch)


# Capabilities


class DeclaresIdf(MemoryStore):
    capabilities = MemoryStore.capabilities | {"idf"}


class DeclaresMaintenance(MemoryStore):
    """Has the methods; one of them loses what was deleted and rows that were not."""

    capabilities = MemoryStore.capabilities | {"maintenance"}

    def optimize(self):
        self.settle()

    def vacuum(self):
        self.delete(list(self.fingerprints())[:1])


class ConcealsFilters(MemoryStore):
    capabilities = MemoryStore.capabilities - {"filter"}


class ConcealsTenants(MemoryStore):
    capabilities = MemoryStore.capabilities - {"tenants"}


class ConcealsMulti(MemoryStore):
    capabilities = MemoryStore.capabilities - {"multi"}
