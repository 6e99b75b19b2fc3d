"""`retrievo migrate`: an index moved to another encoder while it answers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retrievo.cli.options import DEFAULT_INDEX, Debug, Index, Json
from retrievo.cli.output import say, show, show_json
from retrievo.cli.progress import progress_bar
from retrievo.errors import ConfigError

if TYPE_CHECKING:
    from retrievo.migrate.migration import Migration
    from retrievo.pipeline import Pipeline


def migrate(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="The index's own files: read and cut anew, with --answers old.",
            exists=True,
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="A pipeline.toml whose [encoder] is the new one [default: go on].",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="NAME", help="The new encoder as a SentenceTransformer's name."
        ),
    ] = None,
    index: Index = None,
    answers: Annotated[
        str,
        typer.Option(
            "--answers",
            help="Who answers until all is moved: mapped (the new encoder, at once) or old.",
        ),
    ] = "mapped",
    sample: Annotated[
        int, typer.Option("--sample", help="Texts encoded by both, to fit the map.", min=100)
    ] = 2000,
    with_old: Annotated[
        bool | None,
        typer.Option(
            "--with-old/--without-old",
            help="Ask the old encoder beside the map [default: where it is cheap].",
            show_default=False,
        ),
    ] = None,
    min_share: Annotated[
        float,
        typer.Option("--min-share", help="Of the old encoder's nDCG@10 that the map must keep."),
    ] = 0.95,
    begin: Annotated[
        bool, typer.Option("--begin", help="Fit the map and measure it; move nothing yet.")
    ] = False,
    cancel: Annotated[
        bool, typer.Option("--cancel", help="Give up a migration that is under way.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Take the map even where it loses more.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Of everything that is drawn.")] = 0,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Move an index to another encoder, without its sources.

    Encodes the stored texts anew into a second index and puts it in the first one's place. Run it
    again after an interrupt: it goes on where it stopped.
    """
    from retrievo.pipeline import Pipeline

    folder = index or DEFAULT_INDEX
    if config is not None and model is not None:
        raise ConfigError("--config and --model both name the new encoder; leave one out")
    with Pipeline.open(folder) as pipeline:
        if cancel:
            _cancel(pipeline, as_json)
            return
        table = _table(pipeline, config, model)
        options: dict[str, Any] = dict(answers=answers, sample=sample, min_share=min_share)
        options |= dict(recut=bool(paths), with_old=with_old)
        with progress_bar() as draw:
            moving = pipeline.migrate(table, **options, force=force, seed=seed, progress=draw)
            _tell_begun(moving, quiet=as_json)
            report = None if begin else moving.finish(sources=paths or None, progress=draw)
        done, total = moving.documents if report is None else (report.added + report.kept,) * 2
    for warning in report.warnings if report else ():
        say(f"warning: {warning}")
    if as_json:
        told = {
            "index": str(folder),
            "from": moving.record.old,
            "to": moving.record.new,
            "answers": moving.answers,
            "map": moving.record.report or None,
            "documents": {"moved": done, "total": total},
            "finished": not begin,
            "moved": None if report is None else report.as_dict(),
        }
        show_json(told)
    elif report is None:
        show(f"begun: {done} of {total} documents moved; `retrievo migrate` moves the rest")
    else:
        show(str(report))
        show(f"{folder} is an index of {_model(moving.record.new)} now")


def _table(pipeline: "Pipeline", config: Path | None, model: str | None) -> dict[str, Any] | None:
    """The [encoder] table of the new encoder; None to go on with what is under way."""
    if model is not None:
        return {"use": "sentence-transformers", "model": model}
    if config is None:
        return None
    from retrievo.config import Config
    from retrievo.migrate.configuration import encoder_table

    return dict(encoder_table(Config.read(config, pipeline.host), pipeline.config))


def _tell_begun(moving: "Migration", *, quiet: bool) -> None:
    for note in moving.record.notes:
        say(note)
    if moving.record.report and not quiet:
        from retrievo.tune.migrate.choice import MapReport

        show(str(MapReport.from_dict(moving.record.report)))


def _cancel(pipeline: "Pipeline", as_json: bool) -> None:
    from retrievo.migrate.ending import remove
    from retrievo.migrate.place import folder_of

    folder = folder_of(getattr(pipeline.store, "path", None))
    if folder is None:
        raise ConfigError("no migration of this index is under way")
    remove(folder)  # and nothing of it is loaded for that
    if as_json:
        show_json({"cancelled": True})
    else:
        show("the migration is given up; the index is as it was")


def _model(identity: dict[str, Any]) -> str:
    return f"{identity.get('model') or identity.get('name')} ({identity.get('dim')} dimensions)"
