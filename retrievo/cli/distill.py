"""`retrievo distill`: a cheap query encoder for an index, made from the index itself."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retrievo.cli.opening import open_pipeline
from retrievo.cli.options import Config, Debug, Index, Json
from retrievo.cli.output import show, show_json
from retrievo.cli.progress import progress_bar
from retrievo.errors import ConfigError

if TYPE_CHECKING:
    from retrievo.tune.distill.distilled import Distilled


def distill(
    out: Annotated[
        Path,
        typer.Option("--out", metavar="DIR", help="Where the student goes.", file_okay=False),
    ],
    student: Annotated[
        str,
        typer.Option("--student", help="static (a token table), layers (of the teacher), external"),
    ] = "static",
    layers: Annotated[
        int | None, typer.Option("--layers", help="Of the teacher, for layers [default: half].")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="NAME", help="A SentenceTransformer, for external."),
    ] = None,
    minutes: Annotated[
        float, typer.Option("--minutes", help="Of training, about, for layers and external.")
    ] = 3.0,
    min_overlap: Annotated[
        float,
        typer.Option(
            "--min-overlap", help="Of the teacher's ten nearest that a student must find.", min=0.0
        ),
    ] = 0.5,
    dataset: Annotated[
        Path | None,
        typer.Option(
            "--dataset",
            metavar="DIR",
            help="A BEIR folder of the index's documents: measure nDCG@10 on its queries too.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    refresh: Annotated[
        bool,
        typer.Option("--refresh", help="Take in documents that came after the static student."),
    ] = False,
    install: Annotated[
        bool,
        typer.Option("--install", help="Have the index itself use the student from now on."),
    ] = False,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")] = "auto",
    seed: Annotated[int, typer.Option("--seed", help="Of everything that is drawn.")] = 0,
    force: Annotated[
        bool,
        typer.Option("--force", help="Write a student below --min-overlap; replace another."),
    ] = False,
    config: Config = None,
    index: Index = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Make a cheap encoder of queries for an index: documents stay as they are.

    A static student needs no training data and seconds; it reads the texts and vectors that the
    index holds. Use it as [query_encoder].
    """
    from retrievo.encode.student.card import KINDS
    from retrievo.evaluate.datasets import Dataset
    from retrievo.tune.distill.distill import distill as make
    from retrievo.tune.distill.distill import refresh as renew

    if student not in KINDS:
        raise ConfigError(f"--student is {student!r}; one of {', '.join(KINDS)} is wanted")
    for name, value in (("--layers", layers), ("--model", model)):
        if value is not None and (student == "static" or refresh):
            raise ConfigError(f"{name} goes with --student layers or external; leave it out")
    judged = None if dataset is None else Dataset.read(dataset)
    with open_pipeline(config, index) as pipeline, progress_bar() as draw:
        if refresh:
            found = renew(pipeline, out, judged=judged, force=force, progress=draw)
        else:
            found = make(
                pipeline,
                student,  # type: ignore[arg-type]  # it was checked above
                out,
                layers=layers,
                model=model,
                minutes=minutes,
                min_overlap=min_overlap,
                judged=judged,
                device=device,
                seed=seed,
                force=force,
                progress=draw,
            )
        if install:
            found.install(pipeline)
    if as_json:
        show_json(found.as_dict())
    else:
        _print(found, installed=install)


def _print(found: "Distilled", *, installed: bool) -> None:
    show(str(found))
    if installed:
        show("the index uses it for queries from now on")
    else:
        show(f'\n[query_encoder]\nuse = "{found.use}"\npath = "{found.folder}"')
