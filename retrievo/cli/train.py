"""`retrievo train`: models of one's own, from one's own texts."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retrievo.cli.options import Debug, Json
from retrievo.cli.output import clean, show_json
from retrievo.cli.progress import progress_bar
from retrievo.cli.texts import texts_of
from retrievo.errors import ConfigError, MissingExtraError

if TYPE_CHECKING:
    from retrievo.encode.matryoshka.ladder import Ladder, Point

train = typer.Typer(
    help="Train a model on your own texts.", rich_markup_mode=None, no_args_is_help=True
)

_NEEDED = ("torch", "sentence_transformers", "datasets", "accelerate")


@train.command("ladder")
def ladder(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A SentenceTransformer: a folder, or a name on the hub.",
            show_default=False,
        ),
    ],
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Texts: files, folders, BEIR folders.",
            exists=True,
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path,
        typer.Option("--output", metavar="DIR", help="Where the trained model goes."),
    ] = Path("ladder"),
    index: Annotated[
        Path | None,
        typer.Option(
            "--index", metavar="DIR", help="Texts: the chunks of this index.", file_okay=False
        ),
    ] = None,
    points: Annotated[
        str | None,
        typer.Option(
            "--points", help="LAYERS:DIM with commas between [default: six, as in 1:32,2:64,…]."
        ),
    ] = None,
    method: Annotated[str, typer.Option("--method", help="starbucks or 2dmse.")] = "starbucks",
    epochs: Annotated[float, typer.Option("--epochs", help="Passes over the texts, at most.")] = 1,
    minutes: Annotated[
        float, typer.Option("--minutes", help="Minutes of training, about, at most.")
    ] = 15,
    steps: Annotated[
        int | None,
        typer.Option("--steps", help="Steps exactly, instead of epochs and minutes.", min=1),
    ] = None,
    batch_size: Annotated[int, typer.Option("--batch-size", help="Texts a step.")] = 32,
    rate: Annotated[float, typer.Option("--lr", help="The highest learning rate.")] = 2e-4,
    divergence: Annotated[
        float,
        typer.Option("--divergence", help="Weight of the KL divergence of in-batch scores."),
    ] = 0.0,
    dataset: Annotated[
        Path | None,
        typer.Option(
            "--dataset",
            metavar="DIR",
            help="A BEIR folder: measure nDCG@10 of each point on its queries too.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    others: Annotated[
        int | None,
        typer.Option(
            "--others",
            help="Documents of --dataset beside the judged ones [default: all].",
            min=0,
        ),
    ] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")] = "auto",
    seed: Annotated[int, typer.Option("--seed", help="Of everything that is drawn.")] = 0,
    keep_collapsed: Annotated[
        bool, typer.Option("--keep-collapsed", help="Declare points that the training spoiled.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a model that is in the output folder.")
    ] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Train a model that may be cut in depth and width, without labels.

    Writes a SentenceTransformer with its declared ladder: at which (layers, dim) it may be cut,
    and what each cut is worth.
    """
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise MissingExtraError(
            f"training needs {', '.join(missing)}: pip install 'retrievo[train]'"
        )
    from retrievo.tune.ladder_points import parse_points
    from retrievo.tune.ladder_settings import Settings

    cuts = None if points is None else parse_points(points)
    settings = Settings(
        method=method,  # type: ignore[arg-type]  # checked by the settings
        steps=steps,
        epochs=epochs,
        minutes=minutes,
        batch_size=batch_size,
        learning_rate=rate,
        divergence=divergence,
        seed=seed,
    ).checked()
    if not paths and index is None:
        raise ConfigError("no texts: give files, folders, a BEIR folder, or --index DIR")
    from retrievo.evaluate.datasets import Dataset
    from retrievo.tune.judged import Judged
    from retrievo.tune.ladder import train_ladder

    judged = None
    if dataset is not None:
        judged = Judged.read(Dataset.read(dataset), others=others, seed=seed)
    with progress_bar() as draw:
        made = train_ladder(
            model,
            texts_of(paths or [], index),
            output,
            points=cuts,
            settings=settings,
            judged=judged,
            device=device,
            keep_collapsed=keep_collapsed,
            force=force,
            progress=draw,
        )
    if as_json:
        show_json({"output": str(output), **made.model_dump(mode="json")})
    else:
        _print(made, output)


def _print(ladder: "Ladder", output: Path) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("layers", "dim"):
        table.add_column(name, justify="right")
    metrics = list(ladder.points[-1].trained)
    for metric in metrics:
        for stage in ("raw", "fitted", "trained"):
            table.add_column(f"{metric} {stage}", justify="right")
    table.add_column("")
    for point in sorted((*ladder.points, *ladder.refused), key=lambda point: point.cut):
        note = "" if point in ladder.points else "collapsed, not declared"
        table.add_row(str(point.layers), str(point.dim), *_cells(point, metrics), note)
    console = Console(highlight=False)
    console.print(table)
    done = ladder.training
    console.print(
        Text(
            clean(
                f"{done['steps']} steps of {done['batch_size']} of {done['pieces']} pieces; "
                f"measured on {done['held_out']} texts held out; written to {output}"
            )
        )
    )


def _cells(point: "Point", metrics: list[str]) -> list[str]:
    stages = (point.raw, point.fitted, point.trained)
    return [
        f"{stage[metric]:.3f}" if metric in stage else "" for metric in metrics for stage in stages
    ]
