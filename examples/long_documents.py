"""A long manual: small chunks are found, and the parent of several is what a reader gets.

With the extra 'models' and a model (python examples/long_documents.py FOLDER_OR_NAME), the same
with vectors that have read what is around each chunk.
"""

import sys

from retrievo import Document, Pipeline

ROOMS = ["boiler", "pump", "archive", "workshop", "kitchen", "battery"]
CHAPTERS = [
    f"The {room} room is on floor {floor}. Its door is always kept shut. Only two people have its "
    "key. In case of fire it is flooded with nitrogen. Cleaning is done on Mondays."
    for floor, room in enumerate(ROOMS)
]
manual = Document("manual", "\n\n".join(CHAPTERS), {}, "House rules")


def main() -> None:
    chunker = Pipeline.part("chunker", "hierarchical", chunk_size=24, parent_size=64)
    with Pipeline(chunker=chunker) as pipeline:
        report = pipeline.index([manual])
        print(f"{report.chunks_written} chunks of one document")
        question = "which floor is the archive room on?"
        small = pipeline.search(question, top_k=1)[0]
        print(f"found: {small.text.strip()!r}")
        large = pipeline.search(question, top_k=1, parents=0)[0]
        print(f"to read: {len(large.text)} characters from {large.text[:16]!r} on")
        assert manual.text[large.chunk.start : large.chunk.end] == large.text
    if len(sys.argv) > 1:
        late(sys.argv[1], question)


def late(model: str, question: str) -> None:
    encoder = Pipeline.part("encoder", "sentence-transformers", model=model)
    store = Pipeline.part("store", "memory")
    for context in ("none", "late"):
        dense = Pipeline.part("retriever", "dense", encoder=encoder, store=store, context=context)
        with Pipeline(encoder=encoder, store=store, retrievers={"dense": dense}) as pipeline:
            pipeline.index([manual])
            print(f"{context}: {pipeline.search(question, top_k=1)[0].text[:60]!r}")
        store = Pipeline.part("store", "memory")


if __name__ == "__main__":
    main()
