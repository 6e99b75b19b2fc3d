"""`retrievo calibrate`: what an encoder is worth with fewer layers and dimensions."""

import json
import sys
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retrievo.cli.opening import open_pipeline
from retrievo.cli.options import Config, Debug, Index, Json
from retrievo.cli.output import say, show, show_json
from retrievo.errors import ConfigError, MissingExtraError

if TYPE_CHECKING:
    from retrievo.pipeline import Pipeline


def calibrate(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Files, folders and BEIR folders [default: the chunks of the index].",
            exists=True,
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="NAME",
            help="A SentenceTransformer, by name or folder [default: the pipeline's encoder].",
        ),
    ] = None,
    layers: Annotated[
        str | None, typer.Option("--layers", help="Depths, with commas between, as in 2,3,6.")
    ] = None,
    dims: Annotated[
        str | None, typer.Option("--dims", help="Dimensions, with commas between, as in 64,128.")
    ] = None,
    queries: Annotated[
        Path | None,
        typer.Option(
            "--queries",
            metavar="FILE",
            help="Queries, one a line or JSON lines with a text [default: sentences of the texts].",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    max_texts: Annotated[
        int, typer.Option("--max-texts", help="How many texts are drawn.", min=60)
    ] = 2000,
    save_heads: Annotated[
        Path | None,
        typer.Option(
            "--save-heads", metavar="DIR", help="Where the fitted heads go.", file_okay=False
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot", metavar="FILE", help="Draw the grid (.png, .svg, .pdf).", dir_okay=False
        ),
    ] = None,
    config: Config = None,
    index: Index = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Measure an encoder with fewer layers and dimensions on your own texts.

    Prints the grid: the share of the whole model's ten nearest that each cut finds, its time and
    its bytes; fits the heads that make cuts usable.
    """
    # Wrong numbers are told before anything is loaded.
    from retrievo.encode.matryoshka.calibration import NO_MATPLOTLIB

    depths, widths = _numbers("--layers", layers), _numbers("--dims", dims)
    if plot is not None and find_spec("matplotlib") is None:
        raise MissingExtraError(NO_MATPLOTLIB)
    with _pipeline(config, index, model) as pipeline:
        part = pipeline._assembly.part  # the parts on their own, before anything is indexed
        texts = list(_of_paths(part, paths) if paths else _of_index(pipeline))
        encoder = part("encoder")
        from retrievo.encode.matryoshka.calibrate import calibrate as run

        with _bar() as draw:
            found = run(
                encoder,
                texts,
                layers=depths,
                dims=widths,
                queries=None if queries is None else list(_lines(queries)),
                max_texts=max_texts,
                progress=draw,
            )
    if save_heads is not None:
        say(f"heads written to {found.save_heads(save_heads).parent}")
    if plot is not None:
        say(f"drawn into {found.plot(plot)}")
    if as_json:
        show_json(found.as_dict())
    else:
        show(str(found))


def _numbers(option: str, given: str | None) -> list[int] | None:
    if given is None:
        return None
    try:
        return [int(part) for part in given.split(",")]
    except ValueError:
        raise ConfigError(
            f"{option} is {given!r}; whole numbers with commas between are wanted, as in 64,128"
        ) from None


def _pipeline(config: Path | None, index: Path | None, model: str | None) -> "Pipeline":
    """The pipeline whose encoder is measured, and whose chunker makes the texts."""
    if model is None:
        return open_pipeline(config, index)
    from retrievo.pipeline import Pipeline

    if config is not None or index is not None:
        raise ConfigError("--model goes with paths alone; leave out --config and --index, or it")
    return Pipeline(encoder=Pipeline.part("encoder", "sentence-transformers", model=model))


def _of_index(pipeline: "Pipeline") -> Iterator[str]:
    store = pipeline.store
    for rows in store.scan():
        yield from (chunk.indexed_text for chunk in store.get(rows))


def _of_paths(part: Callable[[str], Any], paths: list[Path]) -> Iterator[str]:
    """The chunks of these paths, as an index would hold them."""
    from retrievo.contextualize.contextualized import chunker_of
    from retrievo.ingest.sources import Sources
    from retrievo.types import Document

    # Of a BEIR folder only the corpus: its queries are no documents.
    corpora = [one / "corpus.jsonl" if (one / "corpus.jsonl").is_file() else one for one in paths]
    # Planning: what a contextualizer would pay for is left out, what it has already is there.
    chunker = chunker_of(part, planning=True)
    sources = Sources(corpora, lambda: part("readers"))
    for item in sources:
        yield from (chunk.indexed_text for chunk in chunker.chunk(Document.of(item)))
    for message in sources.told():
        say(f"warning: {message}")


def _lines(path: Path) -> Iterator[str]:
    """The queries in the file: a line each, or the `text` of each line that is a JSON object."""
    wanted = 'one query a line, as it is or as {"text": "…"}, is wanted'
    lines = path.read_bytes().removeprefix(BOM_UTF8).splitlines()
    for number, raw in enumerate(lines, start=1):
        try:
            line = raw.decode("utf-8").strip()
        except UnicodeDecodeError as error:
            raise ConfigError(
                f"{path}, line {number}: not UTF-8 ({error.reason}, the byte "
                f"0x{raw[error.start]:02x}); save the file as UTF-8, {wanted}"
            ) from None
        if not line.startswith("{"):
            if line:
                yield line
            continue
        try:
            text = json.loads(line)["text"]
        except (ValueError, KeyError) as error:
            raise ConfigError(
                f"{path}, line {number}: no JSON object with a text ({error}); {wanted}"
            ) from None
        if not isinstance(text, str):
            raise ConfigError(
                f"{path}, line {number}: the text is {json.dumps(text)[:60]}, no string; {wanted}"
            )
        yield text


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None] | None]:
    """What to call with the texts encoded so far and all; None where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("encoding", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
