"""Two tiny documents in memory, a filtered hybrid search, and the account of its best hit."""

from retrievo import Document, F, Pipeline

documents = [
    Document(
        "keys.md",
        "Keys are rotated every ninety days. To rotate a key, create a new one, deploy it, "
        "and revoke the old one when nothing uses it any more.",
        {"lang": "en", "year": 2024},
        title="Rotating keys",
    ),
    Document(
        "doors.md",
        "The front door is locked at eight in the evening. Ask the porter for a key after that.",
        {"lang": "en", "year": 2019},
        title="Doors",
    ),
]

with Pipeline() as pipeline:
    print(pipeline.index(documents))

    query = "how do I rotate a key?"
    for hit in pipeline.search(query, top_k=5):
        print(hit.rank, f"{hit.score:.3f}", hit.doc_id, hit.text[:60])

    recent = pipeline.search(query, top_k=5, filters=(F("year") >= 2020) & (F("lang") == "en"))
    print("since 2020:", [hit.doc_id for hit in recent])
    print(recent[0].explain())
