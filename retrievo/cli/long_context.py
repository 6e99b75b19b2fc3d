"""`retrievo long-context`: how well a pipeline finds one sentence in ever longer documents."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import typer

from retrievo.cli.options import Config, Debug, Json
from retrievo.cli.output import say, show, show_json
from retrievo.cli.progress import progress_bar
from retrievo.errors import ConfigError, MissingExtraError


def long_context(
    task: Annotated[
        Literal["passkey", "needle"],
        typer.Option("--task", help="A key among repeated lines, or a fact in varied prose."),
    ] = "passkey",
    lengths: Annotated[
        str, typer.Option("--lengths", help="Tokens a document, with commas between.")
    ] = "256,512,1024,2048,4096,8192",
    queries: Annotated[int, typer.Option("--queries", min=1, help="Questions a length.")] = 50,
    candidates: Annotated[
        int, typer.Option("--candidates", min=1, help="Documents a length.")
    ] = 100,
    seed: Annotated[int, typer.Option("--seed", help="Other documents of the same kind.")] = 0,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", dir_okay=False, help="Draw it (.png, .svg, .pdf)."),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(
            "--save", metavar="DIR", file_okay=False, help="Write each length as a BEIR folder."
        ),
    ] = None,
    config: Config = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Find one sentence in documents of growing length.

    Makes documents, asks for what one sentence of each says, and tells how often the right one is
    first. Indexes are in memory, and gone afterwards.
    """
    from retrievo.evaluate.long_context import long_context as run
    from retrievo.evaluate.long_context import long_task
    from retrievo.pipeline import Pipeline

    sizes = _sizes(lengths)
    if plot is not None and find_spec("matplotlib") is None:
        raise MissingExtraError("--plot needs matplotlib; run: pip install 'retrievo[plot]'")
    given = dict(queries=queries, candidates=candidates, seed=seed)
    if save is not None:
        for tokens in sizes:
            long_task(task, tokens, **given).write(save / f"{task}-{tokens}")
        say(f"{len(sizes)} collections written to {save}")

    def pipeline_of() -> Pipeline:
        return Pipeline() if config is None else Pipeline.from_toml(config)

    with progress_bar() as draw:
        report = run(pipeline_of, task, lengths=sizes, **given, progress=draw)
    for warning in report.warnings:
        say(f"warning: {warning}")
    if plot is not None:
        from retrievo.evaluate.long_plot import plot as picture

        picture({config.stem if config else "default": report}, plot)
        say(f"drawn into {plot}")
    if as_json:
        show_json(report.as_dict())
    else:
        show(str(report))


def _sizes(lengths: str) -> list[int]:
    try:
        return [int(part) for part in lengths.split(",") if part.strip()]
    except ValueError:
        raise ConfigError(f"--lengths is {lengths!r}; numbers with commas are wanted") from None
