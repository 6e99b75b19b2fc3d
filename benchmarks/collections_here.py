"""Where benchmarks find their collections: $RETRIEVO_DATA, else ../shared/data."""

import json
import os
from pathlib import Path


def data_folder() -> Path:
    """The folder of BEIR collections; exits with a sentence where there is none."""
    root = Path(__file__).resolve().parent.parent
    for folder in (os.environ.get("RETRIEVO_DATA"), root.parent / "shared" / "data"):
        if folder and Path(folder).is_dir():
            return Path(folder)
    raise SystemExit("no collections: set RETRIEVO_DATA to a folder of BEIR folders")


def read_jsonl(path: Path) -> list[dict]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
