"""An index that moves to another encoder while it answers."""

from random import Random

from retrievo import Document, Pipeline

draw = Random(1)
things = "parrot glacier violin lantern harbour meadow engine letter garden copper castle".split()
deeds = "repairs paints follows hides carries finds sells breaks".split()
texts = [
    f"The {draw.choice(things)} {draw.choice(deeds)} the {draw.choice(things)}, {number}."
    for number in range(400)
]

with Pipeline() as pipeline:  # Pipeline.open(DIR) for one on disk, which survives a kill
    pipeline.index([Document(f"note-{number}", text) for number, text in enumerate(texts)])
    moving = pipeline.migrate({"use": "static", "truncate_dim": 128})
    print(moving.record.report["chosen"], "accepted:", moving.record.report["accepted"])

    query = "who repairs an engine?"
    hit = pipeline.search(query)[0]
    print("at once, by", hit.trace["branches"]["dense"]["scored_by"])

    moving.start()
    while not moving.wait(timeout_s=0.1):
        pipeline.search(query)  # it goes on answering
    moving.finish()
    print("dimensions:", pipeline.passport.encoder["dim"], "documents:", pipeline.store.count())
