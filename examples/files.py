"""A folder indexed on disk, twice: the second run finds nothing to do.

usage: python examples/files.py [FOLDER [QUESTION]]
"""

import sys
import tempfile
from pathlib import Path

from retrievo import Pipeline

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
question = sys.argv[2] if len(sys.argv) > 2 else "how are files indexed?"

with tempfile.TemporaryDirectory() as place:
    where = Path(place) / "files.index"
    with Pipeline.open(where) as pipeline:
        first = pipeline.index(folder, on_error="skip")
        for warning in first.warnings:
            print("warning:", warning)
        print("first: ", first)

    with Pipeline.open(where) as pipeline:
        print("second:", pipeline.index(folder, on_error="skip"))
        for hit in pipeline.search(question, top_k=3, per_document=True):
            print(hit.rank, f"{hit.score:.3f}", f"{hit.doc_id}:{hit.chunk.start}")
