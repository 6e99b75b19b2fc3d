"""`retrievo delete`: documents out."""

from typing import Annotated

import typer

from retrievo.cli.opening import open_pipeline
from retrievo.cli.options import Config, Debug, Index, Json, Tenant
from retrievo.cli.output import say, show, show_json


def delete(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="The documents' ids.")],
    tenant: Tenant = None,
    config: Config = None,
    index: Index = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Delete documents by their ids.

    Exits 1 where one of them is not in the index; the others are deleted all the same.
    """
    from retrievo.ingest.sources import check_ids  # it brings numpy

    with open_pipeline(config, index) as pipeline:
        known = pipeline.store.fingerprints(check_ids(ids), tenant)
        missing = [name for name in dict.fromkeys(ids) if name not in known]
        deleted = pipeline.delete(ids, tenant=tenant)
    for name in missing:
        say(f"not in the index: {name}")
    if as_json:
        show_json({"deleted": deleted, "missing": missing})
    else:
        show(f"{deleted} document{'' if deleted == 1 else 's'} deleted")
    if missing:
        raise typer.Exit(1)
