"""`retrievo index`: documents in."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retrievo.cli.opening import open_pipeline
from retrievo.cli.options import Config, Debug, Index, Json, Tenant
from retrievo.cli.output import say, show, show_json
from retrievo.cli.progress import progress_bar
from retrievo.errors import IndexMissingError

if TYPE_CHECKING:
    from retrievo.ingest.report import IndexReport, Plan
    from retrievo.pipeline import Pipeline

SHOWN = 20
"""Documents that a dry run names before it only counts them."""


def index(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...", help="Files and folders.", exists=True, show_default=False
        ),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would be done, and do nothing.")
    ] = False,
    delete_missing: Annotated[
        bool,
        typer.Option(
            "--delete-missing", help="Delete what came from these folders and is gone from them."
        ),
    ] = False,
    tenant: Tenant = None,
    config: Config = None,
    index: Index = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Index files and folders.

    What did not change since the last time is left as it is.
    """
    wanted: dict[str, Any] = {"tenant": tenant, "delete_missing": delete_missing}
    with open_pipeline(config, index) as pipeline:
        _tell_where(pipeline.config.tables.get("store", {}).get("use", "local"), index)
        if dry_run:
            plan = pipeline.plan(list(paths), **wanted)
            for warning in plan.warnings:
                say(f"warning: {warning}")
            for doc_id in plan.deleted[:SHOWN]:
                say(f"would delete: {doc_id}")
            if len(plan.deleted) > SHOWN:
                say(f"would delete: {len(plan.deleted) - SHOWN} more; --json lists all")
            _answer(plan, as_json)
            return
        try:
            with progress_bar() as draw:
                report = pipeline.index(list(paths), on_error="skip", progress=draw, **wanted)
        except KeyboardInterrupt:
            say(_stopped(pipeline))
            raise typer.Exit(1) from None
    for warning in report.warnings:
        say(f"warning: {warning}")
    for failure in report.failures:
        say(f"failed: {failure}")
    _answer(report, as_json)
    if report.failed or not (report.added or report.updated or report.kept or report.deleted):
        raise typer.Exit(1)


def _tell_where(store: str, index: Path | None) -> None:
    """Where a store of the configuration makes --index mean nothing, say so."""
    if store == "memory":
        say("warning: the store 'memory' keeps nothing when this command ends")
    elif store == "qdrant" and index is not None:
        say("warning: --index is not used: the store 'qdrant' keeps its index on the server")


def _answer(told: "Plan | IndexReport", as_json: bool) -> None:
    if as_json:
        show_json(told.as_dict())
    else:
        show(str(told))


def _stopped(pipeline: "Pipeline") -> str:
    try:
        kept = pipeline.store.document_count()
    except IndexMissingError:
        return "stopped before anything was written"
    return (
        f"stopped; the index {getattr(pipeline.store, 'path', '')} holds {kept} documents and can "
        "be used; the same command goes on where this one stopped"
    )
