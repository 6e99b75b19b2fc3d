"""`retrievo eval`: how well and how fast a pipeline answers the queries of a test collection."""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retrievo.cli.opening import open_pipeline
from retrievo.cli.options import Config, Debug, Json
from retrievo.cli.output import clean, say, show, show_json
from retrievo.cli.progress import progress_bar

if TYPE_CHECKING:
    from retrievo.evaluate.run import EvalReport


def evaluate(
    dataset: Annotated[
        Path,
        typer.Argument(
            help="A BEIR folder: corpus.jsonl, queries.jsonl, qrels/test.tsv.",
            exists=True,
            file_okay=False,
            metavar="DATASET",
        ),
    ],
    metrics: Annotated[
        str, typer.Option("--metrics", help="Names with cut-offs, with commas between.")
    ] = "ndcg@10,recall@100,mrr@10",
    split: Annotated[str, typer.Option("--split", help="The judgments: qrels/SPLIT.tsv.")] = "test",
    filters: Annotated[
        bool, typer.Option("--filters", help="Search with each query's own filter.")
    ] = False,
    per_query: Annotated[
        Path | None,
        typer.Option(
            "--per-query",
            metavar="FILE",
            dir_okay=False,
            help="Results of each query as JSON lines [default: retrievo-eval-DATASET.jsonl].",
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="The --per-query file of another run: tells what the difference is worth.",
        ),
    ] = None,
    config: Config = None,
    index: Annotated[
        Path | None,
        typer.Option(
            "--index",
            metavar="DIR",
            file_okay=False,
            help="Where to keep the collection's index [default: a temporary folder].",
        ),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Measure a pipeline on a test collection.

    Indexes its documents, asks its queries, and compares the answers with its judgments.
    """
    from retrievo.evaluate.compare import compare_results, read_results
    from retrievo.evaluate.datasets import Dataset
    from retrievo.evaluate.metrics import parse_metrics
    from retrievo.evaluate.run import evaluate as run

    names = [metric.name for metric in parse_metrics(filter(None, metrics.split(",")))]
    collection = Dataset.read(dataset, split=split)
    results = per_query or Path(f"retrievo-eval-{collection.name}.jsonl")
    before = None if against is None else read_results(against)
    with ExitStack() as stack:
        folder = index
        if folder is None:
            made = stack.enter_context(tempfile.TemporaryDirectory(prefix="retrievo-eval-"))
            folder = Path(made) / f"{collection.name}.index"
        pipeline = stack.enter_context(open_pipeline(config, folder))
        draw = stack.enter_context(progress_bar())
        report = run(
            pipeline, collection, names, per_query=results, use_filters=filters, progress=draw
        )
    found = [] if before is None else compare_results(before, read_results(results))
    for warning in report.warnings:
        say(f"warning: {warning}")
    if as_json:
        told = {"against": [one.as_dict() for one in found]} if against else {}
        show_json({**report.as_dict(), **told})
    else:
        _print(report)
        if found:
            show(f"against {against}:")
        for one in found:
            show(f"  {one}")


def _print(report: "EvalReport") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in report.metrics.items():
        table.add_row(name, f"{value:.4f}")
    table.add_row("queries per second", f"{report.queries_per_second:,.1f}")
    console = Console(highlight=False)
    console.print(Text(clean(f"{report.dataset}: {report.queries} queries"), style="bold"))
    console.print(table)
    console.print(Text(clean(f"results of each query: {report.per_query}")))
