"""`retrievo init`: a pipeline.toml to start from."""

from pathlib import Path
from typing import Annotated

import typer

from retrievo.cli.options import Debug, Json
from retrievo.cli.output import say, show_json
from retrievo.errors import ConfigError

TEMPLATE = """\
# What a pipeline is made of. A table is a part, `use` is its name, the rest are its arguments.
# `retrievo plugins` lists the names, `retrievo schema` describes every argument.
format = 1

[chunker]
use = "windows"             # 256 tokens a chunk, 128 for an encoder that reads little
chunk_overlap = 32          # tokens, of the encoder's own tokenizer

[encoder]
use = "static"              # no download, no torch

# With `pip install 'retrievo[models]'`, a transformer in its place:
# [encoder]
# use = "sentence-transformers"
# model = "sentence-transformers/all-MiniLM-L6-v2"

[store]
use = "local"               # a folder; "memory" keeps nothing

[retrievers.dense]
use = "dense"               # by meaning
depth = 100                 # how many passages it hands on

[retrievers.bm25]
use = "bm25"                # by words
depth = 100

[fusion]
use = "convex"              # a weighted sum of normalised scores; "rrf" goes by ranks
"""


def init(
    file: Annotated[
        Path, typer.Argument(metavar="[FILE]", dir_okay=False, help="Where to write it.")
    ] = Path("pipeline.toml"),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Write a pipeline.toml to start from.

    It holds the default parts, with a word on each.
    """
    try:
        with file.open("w" if force else "x", encoding="utf-8") as out:
            out.write(TEMPLATE)
    except FileExistsError:
        raise ConfigError(
            f"{file} is already there; --force replaces it, another name keeps it"
        ) from None
    say(f"wrote {file}; now: retrievo index PATH --config {file}")
    if as_json:
        show_json({"path": str(file)})
