"""What an LLM application asks of its retrieval: passages that fit, or that there are none.

python examples/prompt_context.py
"""

import asyncio

from retrievo import Document, Hits, Pipeline

HANDBOOK = {
    "keys": "Keys are rotated every ninety days. The old key stays valid for one hour. A key that "
    "was shown in a log is revoked at once.",
    "keys-copy": "Keys are rotated every ninety days. The old key stays valid for one hour.",
    "leave": "Leave is asked for two weeks ahead. The team lead answers within three days. Unused "
    "days are kept until the end of March.",
    "travel": "Trains are booked in second class. Flights need the consent of the head of "
    "department. Receipts are handed in within a month.",
    "office": "The office opens at seven. The last one to leave locks the windows. Bicycles are "
    "kept in the yard.",
    "laptops": "A laptop that was stolen is reported within the hour. Its disk is encrypted. A "
    "new one comes from the store room.",
    "meals": "The canteen closes at two. Guests are paid for by their host. Tea is free.",
    "visitors": "Visitors are met at the gate. Their badge is handed back in the evening.",
}


async def ask(pipeline: Pipeline, question: str) -> Hits:
    return await pipeline.asearch(
        question,
        top_k=5,
        timeout_s=2.0,
        drop_duplicates=0.6,
        expand_context=1,
        max_context_tokens=60,
        context_tokenizer="static",
        min_confidence=0.5,
    )


async def main() -> None:
    chunker = Pipeline.part("chunker", "sentences", chunk_size=12, chunk_overlap=0)
    with Pipeline(chunker=chunker) as pipeline:
        pipeline.index(Document(name, text) for name, text in HANDBOOK.items())
        questions = ["how often are keys rotated?", "who won the world cup?"]
        for hits in await asyncio.gather(*(ask(pipeline, question) for question in questions)):
            print(f"{hits.query} confidence {hits.confidence:.2f}, {hits.tokens} tokens")
            for hit in hits:
                print(f"  [{hit.doc_id}] {hit.text}")
            for warning in hits.warnings:
                print(f"  ({warning})")
        print(pipeline.why_not("how often are keys rotated?", "travel", top_k=3))


if __name__ == "__main__":
    asyncio.run(main())
