"""A folder kept in sync with an index: what is gone from it goes from the index.

Run it twice in a row to see that the second run writes nothing.
"""

import tempfile
from pathlib import Path

from retrievo import Pipeline

with tempfile.TemporaryDirectory() as work:
    notes = Path(work) / "notes"
    notes.mkdir()
    (notes / "keys.md").write_text("To rotate a key, make a new one first.")
    (notes / "doors.md").write_text("The front door is locked at eight.")

    with Pipeline.open(Path(work) / "notes.index") as pipeline:
        print(pipeline.plan(notes))
        print(pipeline.index(notes))

        (notes / "doors.md").unlink()
        (notes / "keys.md").write_text("To rotate a key, revoke the old one last.")
        print(pipeline.plan(notes, delete_missing=True))
        print(pipeline.index(notes, delete_missing=True))
        print(pipeline.search("how do I rotate a key?")[0].text)
        print(pipeline.store.stats().as_dict()["representations"])
