"""The files of a static student, its card left to whoever knows how good it is."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from retrievo.encode.student.static_file import FORMAT, TABLE_FILE, TOKENIZER_FILE
from retrievo.encode.tensor_file import write_tensors
from retrievo.errors import EncoderError
from retrievo.tune.distill.static_table import StaticTable
from retrievo.tune.distill.token_statistics import TokenStatistics


def write_table(folder: str | Path, made: StaticTable, statistics: TokenStatistics) -> None:
    """The table, in float16, and the tokenizer written into the folder, which is made if needed.

    Raises EncoderError, and writes nothing, where a number of the table is not finite.
    """
    table = made.table.astype(np.float16)
    if not (np.isfinite(table).all() and np.isfinite(made.bias).all()):
        raise EncoderError(
            "the fitted table holds a number that is not finite; this is a fault of the fit: "
            "please report it with the settings of the encoder"
        )
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    parts: dict[str, npt.NDArray[Any]] = {
        "table": table,
        "bias": made.bias.astype(np.float32),
        "pairs": statistics.counter.pairs,
    }
    tokens, tokens_part = folder / TOKENIZER_FILE, folder / f"{TOKENIZER_FILE}.part"
    tokens_part.write_text(statistics.tokenizer_json, encoding="utf-8")
    os.replace(tokens_part, tokens)
    write_tensors(folder / TABLE_FILE, parts, {"format": FORMAT})
