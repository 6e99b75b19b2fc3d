"""What the crash tests do to an index, act by act, and what documents each act leaves behind."""

import hashlib
import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from retrievo import Chunk, Document, IndexMissingError, Pipeline
from retrievo.ingest import changes
from retrievo.store.local import engine_config
from retrievo.store.local.store import LocalStore

DIM = 32
WORDS = [first + last for first in "ba be bi bo bu da de di".split() for last in "lo mu ne".split()]
KINDS = ("note", "mail", "page")


class HashEncoder:
    """A random unit vector for each text, made from the text's hash: the same in every process."""

    dim = DIM
    max_tokens = None
    fingerprint = "hash-1"
    dense_weight = 0.5

    def encode_document(self, texts):
        return np.array([self._vector(text) for text in texts], np.float32).reshape(-1, DIM)

    encode_query = encode_document

    def _vector(self, text):
        seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
        vector = np.random.default_rng(seed).normal(size=DIM)
        return vector / np.linalg.norm(vector)


class ParagraphChunker:
    """A chunk a paragraph, so that an edit leaves most chunks of a document as they were."""

    def chunk(self, document):
        found, start = [], 0
        for part in document.text.split("\n\n"):
            end = start + len(part)
            # The first chunk of a document has metadata of its own.
            own = document.metadata if start else {**document.metadata, "first": True}
            size = len(part.split())
            found.append(Chunk(document.id, part, start, end, size, own, document.title))
            start = end + 2
        return found


def open_index(folder, name="index"):
    """The pipeline on the index of the folder, made by nobody yet or by a process now dead."""
    return Pipeline.open(folder / name, encoder=HashEncoder(), chunker=ParagraphChunker())


SMALL = {
    changes: {"CHUNKS_A_BATCH": 60, "COMPARED_AT_ONCE": 32},
    engine_config: {"QUANTIZE_ABOVE": 100, "GRAPH_ABOVE": 300},
}


def make_small(setattr=setattr):
    """Small batches, so that a kill falls between two; compaction and graphs for few rows."""
    for module, values in SMALL.items():
        known = {name: value for name, value in values.items() if hasattr(module, name)}
        assert known, f"{module.__name__} has none of {list(values)}"
        for name, value in known.items():
            setattr(module, name, value)


def ask(pipeline):
    """Search with filters, where there is an index: what a store remembers it has to forget."""
    with suppress(IndexMissingError):
        pipeline.search("a query", filters="version > 0")
        pipeline.search("a query", filters='kind == "note"')


def text_of(name, version):
    """Paragraphs; half of them are those of version 0, odd versions begin with one more."""
    few, words = (3, 60) if name.startswith("long") else (2, 12)
    parts = []
    for place in range(random.Random(name).randint(few, few + 3)):
        kept = random.Random(f"{name} {version} {place}").random() < 0.5
        drawn = random.Random(f"{name} {place} {0 if kept else version}")
        parts.append(" ".join([name, *drawn.choices(WORDS, k=drawn.randint(words // 3, words))]))
    return "\n\n".join([f"version {version} of {name}"] * (version % 2) + parts)


def document_of(name, version):
    kind = KINDS[len(text_of(name, 0)) % 3]
    return Document(name, text_of(name, version), {"kind": kind, "version": version}, "A title")


@dataclass(frozen=True)
class Act:
    """One thing that is done: `leaves` says of what version each document is afterwards."""

    phase: str
    do: Callable
    leaves: dict = field(default_factory=dict)


def put(phase, names, version, lost=()):
    """Indexes these documents; `lost` are those that a sync with them takes out."""
    leaves = {**dict.fromkeys(lost), **dict.fromkeys(names, version)}

    def do(pipeline, folder):
        given = [document_of(name, version) for name in names]
        pipeline.index(given, delete_missing=bool(lost))

    return Act(phase, do, leaves)


def remove(names):
    return Act("delete", lambda pipeline, folder: pipeline.delete(names), dict.fromkeys(names))


def sync(version):
    """A folder whose files are new, changed or gone, and the index brought to its state."""
    files = [f"f{i}.txt" for i in range(40)]
    left = {name: version for place, name in enumerate(files) if not version or place % 5}

    def do(pipeline, folder):
        at = folder / "files"
        shutil.rmtree(at, ignore_errors=True)
        at.mkdir()
        for name in left:
            (at / name).write_text(text_of(name, version))
        pipeline.index(at, delete_missing=True)

    return Act("sync a folder", do, {**dict.fromkeys(files), **left})


def maintain(pipeline, folder):
    pipeline.store.optimize()
    pipeline.store.vacuum()


def snapshot(pipeline, folder):
    pipeline.store.snapshot(folder / f"snapshot-{len(list(folder.glob('snapshot-*')))}")


def close(pipeline, folder):
    pipeline.close()


MAINTENANCE = {"maintenance": Act("optimize", maintain), "snapshot": Act("snapshot", snapshot)}


def acts(n):
    """All acts on n documents, in their order; the same each time."""
    names = [f"d{i}" for i in range(n)]
    new = [f"new{i}" for i in range(n // 8)]
    long = [f"long{i}" for i in range(n // 8)]
    dead = names[::5]
    cuts = np.linspace(0, len(dead), 7).astype(int).tolist()
    return [
        put("first index", names, 0),
        put("edits", names[::3] + new, 1),
        *(remove(dead[a:b]) for a, b in pairwise(cuts)),
        put("refit", long, 0),
        put("edits", names[::4], 2),
        *(act for can, act in MAINTENANCE.items() if can in LocalStore.capabilities),
        Act("close", close),
        sync(0),
        sync(1),
        put("sync documents", names[::2], 3, lost={*names, *new, *long, *sync(0).leaves}),
    ]
