"""Which documents an encoder refused, and why, from the places of texts that its error names."""

from retrievo.contracts import Items
from retrievo.errors import EncoderError


def refused_documents(error: EncoderError, items: Items) -> dict[str, str]:
    """The reason of each document with a text that the error names; empty where it names none.

    `items` are what the encoder was given, in order. A document with several such texts has the
    reason of the first.
    """
    chunks = [chunk for _, part in items for chunk in part]
    reasons: dict[str, str] = {}
    more: dict[str, int] = {}
    for i, place in enumerate(error.texts):
        if not hasattr(place, "__index__") or not 0 <= place < len(chunks):
            continue
        chunk = chunks[place]
        more[chunk.doc_id] = more.get(chunk.doc_id, -1) + 1
        reason = str(error)
        if i < len(error.reasons):
            reason = f"its chunk [{chunk.start}:{chunk.end}]: {error.reasons[i]}"
        reasons.setdefault(chunk.doc_id, reason)
    if not error.reasons:
        return reasons
    return {
        doc_id: f"{reason} (and {more[doc_id]} more of its chunks)" if more[doc_id] else reason
        for doc_id, reason in reasons.items()
    }
