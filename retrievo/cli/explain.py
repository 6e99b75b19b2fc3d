"""`retrievo explain`: how one document came to its place for a question."""

from typing import Annotated

import typer

from retrievo.cli.opening import open_pipeline
from retrievo.cli.options import Config, Debug, Filter, Index, Json, Tenant
from retrievo.cli.output import show, show_json


def explain(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What was looked for.")],
    doc: Annotated[str, typer.Option("--doc", metavar="ID", help="The document's id.")],
    top_k: Annotated[int, typer.Option("--top-k", min=1, help="How many come back.")] = 10,
    filter: Filter = None,
    tenant: Tenant = None,
    config: Config = None,
    index: Index = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Print how a document came to its place.

    Rank, score, weight and contribution in every step; and where it is not among the best, the
    first step that lost it, and by how much.
    """
    from retrievo.filters import as_filter

    filters = as_filter(filter)
    with open_pipeline(config, index) as pipeline:
        explanation = pipeline.explain(query, doc, filters=filters, tenant=tenant)
        lost = pipeline.why_not(query, doc, top_k=top_k, filters=filters, tenant=tenant)
    if as_json:
        show_json({**explanation.as_dict(), "why_not": lost.as_dict()})
        return
    show(str(explanation))
    if lost.step != "found":
        show(f"not among the best {top_k}: {lost}")
