"""What is put before a query, and what before a document."""

from collections.abc import Mapping

from sentence_transformers import SentenceTransformer

from retrievo.encode.encoded import Side

_DOCUMENT = ("document", "passage", "corpus")


def prompts_of(
    model: SentenceTransformer,
    named: Mapping[str, str] | None,
    query: str | None,
    document: str | None,
) -> dict[Side, str]:
    """The prompt of each side: as given, else by its name among `named`, else the model's own."""
    known: dict[str, str | None] = {**model.prompts, **(named or {})}
    found = next((prompt for name in _DOCUMENT if (prompt := known.get(name))), "")
    return {
        "query": known.get("query") or "" if query is None else query,
        "document": found if document is None else document,
    }
