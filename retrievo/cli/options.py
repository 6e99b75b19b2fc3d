"""The options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_INDEX = Path("retrievo.index")
"""Where commands keep and look for an index when --index does not say."""

Config = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="The pipeline.toml to build.", exists=True, dir_okay=False
    ),
]
Index = Annotated[
    Path | None,
    typer.Option(
        "--index", metavar="DIR", help=f"The index [default: {DEFAULT_INDEX}].", file_okay=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON value on stdout, messages on stderr.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Filter = Annotated[
    str | None,
    typer.Option(
        "--filter",
        metavar="EXPR",
        help='Only documents that match, as in: section == "games" and year >= 2020',
    ),
]
Tenant = Annotated[
    str | None,
    typer.Option(
        "--tenant", metavar="NAME", help="Whose documents: the scope of an index with tenants."
    ),
]
