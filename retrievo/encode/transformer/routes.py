"""The routes of a Router: one model for queries and one for documents, in one folder."""

from sentence_transformers import SentenceTransformer

try:
    from sentence_transformers.sentence_transformer.modules import Router
except ImportError:  # before version 6
    from sentence_transformers.models import Router

DOCUMENT = "document"


def document_route(model: SentenceTransformer) -> SentenceTransformer | None:
    """What the documents of a model with a Router go through, as a model that shares its weights.

    None for a model that treats both sides alike.
    """
    modules = list(model.children())
    for at, module in enumerate(modules):
        if isinstance(module, Router) and DOCUMENT in module.sub_modules:
            route = [*modules[:at], *module.sub_modules[DOCUMENT], *modules[at + 1 :]]
            return SentenceTransformer(modules=route, device=str(model.device))
    return None
