"""`retrievo search`: the best passages for a question."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from retrievo.cli.opening import open_pipeline
from retrievo.cli.options import Config, Debug, Filter, Index, Json, Tenant
from retrievo.cli.output import one_line, say, show_json

if TYPE_CHECKING:
    from retrievo.hits import Hits

SNIPPET = 300
"""Characters of a passage that are shown to people; --json gives all of it."""


def search(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What to look for.")],
    top_k: Annotated[int, typer.Option("--top-k", min=1, help="How many come back.")] = 10,
    filter: Filter = None,
    tenant: Tenant = None,
    per_document: Annotated[
        bool | None,
        typer.Option(
            "--per-document", help="Only the best passage of each document.", show_default=False
        ),
    ] = None,
    parents: Annotated[
        float | None,
        typer.Option(
            "--parents",
            metavar="SHARE",
            min=0.0,
            max=1.0,
            help="Give a parent for its passages where this share of them is found.",
        ),
    ] = None,
    expand_context: Annotated[
        int | None,
        typer.Option("--expand-context", metavar="N", min=0, help="Neighbours on each side."),
    ] = None,
    drop_duplicates: Annotated[
        float | None,
        typer.Option(
            "--drop-duplicates",
            metavar="SHARE",
            max=1.0,
            help="Leave out what says this share of a better passage again.",
        ),
    ] = None,
    max_context_tokens: Annotated[
        int | None,
        typer.Option("--max-context-tokens", metavar="N", min=1, help="Pack into so many tokens."),
    ] = None,
    context_tokenizer: Annotated[
        str | None,
        typer.Option("--context-tokenizer", metavar="NAME", help="What counts those tokens."),
    ] = None,
    min_confidence: Annotated[
        float | None,
        typer.Option(
            "--min-confidence",
            metavar="SHARE",
            min=0.0,
            max=1.0,
            help="Leave out what is hardly better than chance.",
        ),
    ] = None,
    timeout_s: Annotated[
        float | None,
        typer.Option("--timeout", metavar="SECONDS", help="Answer with what has come in by then."),
    ] = None,
    strict: Annotated[
        bool | None,
        typer.Option("--strict", help="A step that fails is an error.", show_default=False),
    ] = None,
    config: Config = None,
    index: Index = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Print the best passages for a question.

    Each comes with its rank, its score, its document and its place there, in characters.
    """
    from retrievo.filters import as_filter

    filters = as_filter(filter)
    wanted: dict[str, Any] = dict(
        per_document=per_document,
        parents=parents,
        expand_context=expand_context,
        drop_duplicates=drop_duplicates,
        max_context_tokens=max_context_tokens,
        context_tokenizer=context_tokenizer,
        min_confidence=min_confidence,
        timeout_s=timeout_s,
        strict=strict,
    )
    # What is not given is as the configuration says.
    wanted = {name: value for name, value in wanted.items() if value is not None}
    with open_pipeline(config, index) as pipeline:
        hits = pipeline.search(query, top_k=top_k, filters=filters, tenant=tenant, **wanted)
    for warning in hits.warnings:
        say(f"warning: {warning}")
    if as_json:
        show_json(hits_as_dict(query, hits))
    elif hits:
        _print(hits)
    else:
        say("nothing found" + (" that matches the filter" if filters is not None else ""))


def hits_as_dict(query: str, hits: "Hits") -> dict[str, Any]:
    """The answer as other programs read it: query, hits, warnings, timings.

    Where they were asked for, the confidence and the tokens of all hits stand beside them.
    """
    asked = {"confidence": hits.confidence, "tokens": hits.tokens}
    return {
        "query": query,
        "hits": [
            {
                "rank": hit.rank,
                "score": hit.score,
                "doc_id": hit.doc_id,
                "chunk_id": hit.chunk.id,
                "start": hit.chunk.start,
                "end": hit.chunk.end,
                "text": hit.text,
                "metadata": dict(hit.metadata),
                "trace": dict(hit.trace),
            }
            for hit in hits
        ],
        "warnings": list(hits.warnings),
        "timings": dict(hits.timings),
        **{name: value for name, value in asked.items() if value is not None},
    }


def _print(hits: "Hits") -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    console.width = max(40, console.width)  # COLUMNS=0 would print nothing
    for hit in hits:
        place = f"[{hit.chunk.start}:{hit.chunk.end}]"
        if "confidence" in hit.trace:
            place += f" confidence {hit.trace['confidence']:.2f}"
        if "merged" in hit.trace:
            place += " parent of {children} found of {of}".format_map(hit.trace["merged"])
        console.print(
            Text.assemble(
                (f"{hit.rank}. ", "bold"),
                (f"{hit.score:.4f}  ", "cyan"),
                (one_line(hit.doc_id), "bold"),
                (f" {place}", "dim"),
            )
        )
        for line in Text(one_line(hit.text, SNIPPET)).wrap(console, max(20, console.width - 3)):
            line.rstrip()
            console.print(Text.assemble("   ", line), soft_wrap=True)
        console.print()
