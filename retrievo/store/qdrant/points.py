"""How documents and chunks become points: their numbers, their states and their payload.

A chunk is a point with its vectors, a document a point without any. The numbers of both follow
from tenant, document id and chunk id, so workers that run the same batch twice write the same
points. `state` tells what a search may see:

- "staged": a chunk that was sent and not yet committed; nothing but its own write looks at it
- "live": a chunk of the index
- "document": a document, with its fingerprint and its rows in order
- "changing", "leaving": a document whose chunks are being exchanged, or taken away; whoever meets
  one may finish that, from what the point itself says

`write` numbers grow with every write of a document, so that what finishes late harms nothing newer.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from retrievo.store.qdrant.shadow import field_name, shadow_of
from retrievo.types import Chunk

STATE, WRITE, DOC, TENANT, CHUNK = "state", "write", "doc", "tenant", "chunk"
LENGTHS, NEXT = "lengths", "next"
STAGED, LIVE = "staged", "live"
DOCUMENT, CHANGING, LEAVING = "document", "changing", "leaving"

CHUNK_KEYS = [
    STATE, TENANT, "doc_id", CHUNK, "text", "start", "end", "tokens", "context", "parent",
    "metadata", "truncated",
]  # fmt: skip
"""What `chunk_of` reads; the rest is for filters."""

_OWN = frozenset((STATE, WRITE, LENGTHS, NEXT))
_NUMBERS = 2**63 - 1


def document_number(tenant: str | None, doc_id: str) -> int:
    """The point of a document: 63 bits, positive, odd."""
    return _number(b"document", tenant, doc_id) | 1


def row_number(tenant: str | None, doc_id: str, chunk_id: str, turn: int = 0) -> int:
    """The row of a chunk: 63 bits, positive, even.

    `turn` counts up where a chunk comes with other vectors while its old point is still searched.
    """
    return _number(b"chunk", tenant, doc_id, chunk_id, str(turn)) & ~1


def _number(kind: bytes, tenant: str | None, *parts: str) -> int:
    digest = hashlib.blake2b(digest_size=8, person=kind)
    for part in ("" if tenant is None else f"tenant {tenant}", *parts):
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return int.from_bytes(digest.digest(), "little") & _NUMBERS


def chunk_payload(chunk: Chunk, tenant: str | None, write: int) -> dict[str, Any]:
    """Everything about a chunk but its vectors and lengths; staged, as all start."""
    payload: dict[str, Any] = {
        STATE: STAGED,
        WRITE: write,
        DOC: document_number(tenant, chunk.doc_id),
        "doc_id": chunk.doc_id,
        CHUNK: _safe(chunk.id),
        "text": _safe(chunk.text),
        "start": chunk.start,
        "end": chunk.end,
        "tokens": chunk.token_count,
        # As text: JSON numbers of other sizes than the server's would not come back as they were.
        "metadata": _json(chunk.metadata),
        **shadow_of(chunk.metadata, chunk.doc_id),
    }
    if tenant is not None:
        payload[TENANT] = tenant
    if chunk.context:
        payload["context"] = _safe(chunk.context)
    if chunk.parent is not None:
        payload["parent"] = list(chunk.parent)
    if chunk.truncated is not None:
        payload["truncated"] = list(chunk.truncated)
    return payload


def chunk_of(payload: Mapping[str, Any]) -> Chunk:
    """The chunk that `chunk_payload` was made of."""
    parent, truncated = payload.get("parent"), payload.get("truncated")
    return Chunk(
        payload["doc_id"],
        _unsafe(payload["text"]),
        payload["start"],
        payload["end"],
        payload["tokens"],
        json.loads(payload["metadata"]),
        _unsafe(payload.get("context", "")),
        None if parent is None else (parent[0], parent[1]),
        _unsafe(payload[CHUNK]),
        None if truncated is None else (truncated[0], truncated[1]),
    )


def same_chunk(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether two payloads say the same of the chunk, whatever wrote them and when."""
    return all(old.get(key) == new.get(key) for key in {*old, *new} - _OWN)


def document_payload(
    doc_id: str, tenant: str | None, fingerprint: str, rows: list[int], write: int
) -> dict[str, Any]:
    """A document whose chunks are about to become these rows."""
    payload = {
        STATE: CHANGING, WRITE: write, "doc_id": doc_id, "fingerprint": fingerprint, "rows": rows,
    }  # fmt: skip
    return payload if tenant is None else {**payload, TENANT: tenant}


def chunk_key(chunk_id: str) -> str:
    """The chunk's id as its payload has it, to look for it."""
    return _safe(chunk_id)


def length_key(representation: str) -> str:
    """Where in the payload the length of a chunk's text stands, a text, in a sparse one's terms."""
    return f"{LENGTHS}.{field_name(representation)}"


def lengths_payload(lengths: Mapping[str, float]) -> dict[str, str]:
    return {field_name(name): repr(float(length)) for name, length in lengths.items()}


def length_of(payload: Mapping[str, Any], representation: str) -> float:
    """0 where none is kept."""
    return float(payload.get(LENGTHS, {}).get(field_name(representation), 0.0))


def _safe(text: str) -> str:
    """The text itself; where no UTF-8 can say it, or it looks like that, its JSON and a mark."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _MARK + json.dumps(text)
    return _MARK + json.dumps(text) if text.startswith(_MARK) else text


_MARK = "\x00json:"


def _unsafe(text: str) -> str:
    return str(json.loads(text[len(_MARK) :])) if text.startswith(_MARK) else text


def _json(metadata: Mapping[str, Any]) -> str:
    plain = dict(metadata)
    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(plain, separators=(",", ":"))  # escapes say a lone surrogate
    return text
