"""Search in two steps: 64 numbers find candidates, all 256 put them in order.

The static encoder is a Matryoshka model, so the short vector is the beginning of the full one: both
come of one encoding, and one index keeps both.
"""

from retrievo import Document, Pipeline

TEXTS = {
    "keys": "API keys are rotated every ninety days.",
    "vault": "The vault keeps secrets, tokens and passwords.",
    "bread": "Bread is made of flour, water and salt.",
    "oven": "Preheat the oven before you bake.",
    "moon": "The moon has no air, and is far away.",
    "tides": "The moon moves the water of the sea.",
}

encoder = Pipeline.part("encoder", "static")
store = Pipeline.part("store", "memory")
cascade = Pipeline.part("retriever", "cascade", encoder=encoder, store=store, short_dim=64, depth=3)

with Pipeline(encoder=encoder, store=store, retrievers={"cascade": cascade}) as pipeline:
    pipeline.index([Document(name, text) for name, text in TEXTS.items()])
    for name, space in pipeline.passport.representations.items():
        print(f"{name}: {space}")
    hits = pipeline.search("how do I bake bread?", top_k=2)
    print([(hit.doc_id, round(hit.score, 2)) for hit in hits])
    print(hits[0].explain())
    # The three best by 64 numbers were scored; nobody looked at the others.
    print(pipeline.explain("how do I bake bread?", "tides"))
