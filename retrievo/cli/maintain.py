"""`retrievo optimize` and `retrievo snapshot`: an index made fast, made small, and copied."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retrievo.cli.opening import open_pipeline
from retrievo.cli.options import Config, Debug, Index, Json
from retrievo.cli.output import show, show_json
from retrievo.errors import StoreError

if TYPE_CHECKING:
    from retrievo.pipeline import Pipeline


def optimize(
    vacuum: Annotated[
        bool, typer.Option("--vacuum", help="Also give disk space back to the system.")
    ] = False,
    config: Config = None,
    index: Index = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Bring an index into its fastest form.

    What was written since the last time is compacted, coded and, in a large index, joined to its
    graph. Answers do not change.
    """
    with open_pipeline(config, index) as pipeline:
        store = _able(pipeline, "maintenance")
        (store.vacuum if vacuum else store.optimize)()  # the first does the second as well
        stats = pipeline.store.stats()
    if as_json:
        show_json(stats.as_dict())
        return
    for name, one in stats.representations.items():
        show(f"{name}: {one}")
    if stats.bytes_on_disk is not None:
        show(f"{stats.bytes_on_disk / 1e6:.1f} MB on disk")


def snapshot(
    to: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where the copy goes; nothing may be there.")
    ],
    config: Config = None,
    index: Index = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Copy an index as it is at this moment.

    The copy is read-only: many processes may search it at once.
    """
    with open_pipeline(config, index) as pipeline:
        _able(pipeline, "snapshot").snapshot(to)
        documents = pipeline.store.document_count()
    if as_json:
        show_json({"path": str(to), "documents": documents})
    else:
        show(f"{documents} documents copied to {to}")


def _able(pipeline: "Pipeline", capability: str) -> Any:
    """The store. Raises StoreError where it does not have the capability."""
    store = pipeline.store
    if capability not in store.capabilities:
        raise StoreError(
            f"the store {type(store).__name__} has no {capability} of its own (a server has its "
            "own; in memory there is none)"
        )
    return store
