"""A query encoder made from an index's own vectors, used beside its teacher, and refreshed."""

import tempfile
from pathlib import Path
from random import Random

from retrievo import Document, Pipeline
from retrievo.tune.distill.distill import distill, refresh

draw = Random(1)
things = "parrot glacier violin lantern harbour meadow engine letter garden copper castle".split()
deeds = "repairs paints follows hides carries finds sells breaks".split()


def note(number: int) -> Document:
    words = f"The {draw.choice(things)} {draw.choice(deeds)} the {draw.choice(things)}"
    return Document(f"note-{number}", f"{words}, {number}.")


with tempfile.TemporaryDirectory() as folder:
    index, student = Path(folder) / "notes.index", Path(folder) / "student"
    with Pipeline.open(index) as pipeline:  # the teacher here is the static encoder
        pipeline.index([note(number) for number in range(400)])
        made = distill(pipeline, "static", student)
        print("overlap with the teacher:", made.card.queries)

    encoder = Pipeline.part("encoder", made.use, path=str(student))
    with Pipeline.open(index, query_encoder=encoder) as pipeline:
        for hit in pipeline.search("who repairs an engine?", top_k=2):
            print("found:", hit.text)
        pipeline.index([Document(f"new-{n}", f"A zeppelin over tundra {n}.") for n in range(100)])
        again = refresh(pipeline, student)
        print("on newer chunks, before:", again.before)
        print("knows chunks:", made.card.chunks, "->", again.card.chunks)
