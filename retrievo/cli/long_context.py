"""`retrievo long-context`: how well a pipeline finds one sentence in ever longer documents."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retrievo.cli.options import Config, Debug, Json
from retrievo.cli.output import say, show, show_json
from retrievo.cli.progress import progress_bar
from retrievo.errors import ConfigError, MissingExtraError

if TYPE_CHECKING:
    from retrievo.evaluate.long_tasks import LongTask
    from retrievo.pipeline import Pipeline

LENGTHS = "256,512,1024,2048,4096,8192"


def long_context(
    task: Annotated[
        str,
        typer.Option(
            "--task",
            metavar="NAME|FOLDER",
            help="passkey: a key among repeated lines; needle: a fact in varied prose; or a folder "
            "in the layout of BEIR or LongEmbed.",
        ),
    ] = "passkey",
    lengths: Annotated[
        str | None,
        typer.Option(
            "--lengths",
            help=f"Tokens a document, with commas between [default: {LENGTHS}; all of a folder].",
        ),
    ] = None,
    queries: Annotated[
        int | None, typer.Option("--queries", min=1, help="Questions a length [default: 50].")
    ] = None,
    candidates: Annotated[
        int | None, typer.Option("--candidates", min=1, help="Documents a length [default: 100].")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Other documents of the same kind [default: 0].")
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="One vector a document, by the encoder alone.")
    ] = False,
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
    from retrievo.evaluate.long_context import measure

    if plot is not None and find_spec("matplotlib") is None:
        raise MissingExtraError("--plot needs matplotlib; run: pip install 'retrievo[plot]'")
    made = {"queries": queries, "candidates": candidates, "seed": seed}
    tasks = _tasks(task, lengths, {name: n for name, n in made.items() if n is not None})
    if save is not None:
        for one in tasks:
            one.write(save / f"{one.name}-{one.tokens}")
        say(f"{len(tasks)} collections written to {save}")
    with progress_bar() as draw:
        report = measure(_pipelines(config, whole), tasks, progress=draw)
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


def _tasks(task: str, lengths: str | None, made: dict[str, int]) -> "list[LongTask]":
    from retrievo.evaluate.long_tasks import TASKS, long_task, read_tasks

    if task in TASKS:
        sizes = _sizes(LENGTHS if lengths is None else lengths)
        return [long_task(task, tokens, **made) for tokens in sizes]  # type: ignore[arg-type]
    if not Path(task).is_dir():
        raise ConfigError(f"--task is {task!r}; {', '.join(TASKS)} or a folder is wanted")
    if made:
        given = ", ".join(f"--{name}" for name in made)
        raise ConfigError(f"{given}: of tasks that are made, and {task} is a folder; leave it out")
    found = read_tasks(task)
    if lengths is None:
        return found
    sizes = _sizes(lengths)
    if missing := set(sizes).difference(one.tokens for one in found):
        known = ", ".join(str(one.tokens) for one in found)
        raise ConfigError(f"--lengths: {task} has no documents of {min(missing)} tokens, {known}")
    return [one for one in found if one.tokens in sizes]


def _sizes(lengths: str) -> list[int]:
    try:
        return [*dict.fromkeys(int(part) for part in lengths.split(",") if part.strip())]
    except ValueError:
        raise ConfigError(f"--lengths is {lengths!r}; numbers with commas are wanted") from None


def _pipelines(config: Path | None, whole: bool) -> "Callable[[], Pipeline]":
    """What makes the pipeline of the configuration with an index in memory, whatever it says."""
    from retrievo.evaluate.long_context import one_vector
    from retrievo.pipeline import Pipeline

    def of(**parts: Any) -> Pipeline:
        return Pipeline(**parts) if config is None else Pipeline.from_toml(config, **parts)

    first = of()
    if whole:
        return one_vector(first._assembly.part("encoder"))
    use = first.config.tables.get("store", {}).get("use", "memory")
    if use == "memory":
        return of
    say(f"the store {use!r} of {config} is not used: each length has an index in memory")
    return lambda: of(store=Pipeline.part("store", "memory"))
