"""The reranking services by their names: one function for each kind."""

from pathlib import Path
from typing import Any

from retrievo.encode.remote.connection import connection_to
from retrievo.encode.remote.services import COHERE, JINA
from retrievo.rerank.ordering import DEPTH
from retrievo.rerank.remote import Reach, RemoteReranker
from retrievo.rerank.remote_formats import CohereFormat, JinaFormat, TeiFormat


def cohere(
    model: str,
    *,
    base_url: str = COHERE,
    api_key: str | None = None,
    max_tokens_per_doc: int | None = None,
    fields: dict[str, Any] | None = None,
    depth: int = DEPTH,
    budget_ms: float | None = None,
    batch_items: int = 1_000,
    retries: int = 1,
    backoff_s: float = 0.5,
    timeout_s: float = 10.0,
    deadline_s: float = 15.0,
    verify: bool | str | Path = True,
    headers: dict[str, str] | None = None,
) -> RemoteReranker:
    """Cohere's rerank models, by version 2 of its interface, and servers that speak it (vLLM).

    The key is CO_API_KEY of the environment where `base_url` is Cohere's own. The service itself
    reads the first 4,096 tokens of a text, or `max_tokens_per_doc`.
    """
    connection = connection_to(
        "cohere-rerank", base_url, COHERE, "CO_API_KEY", api_key, headers, retries=retries,
        backoff_s=backoff_s, timeout_s=timeout_s, deadline_s=deadline_s, verify=verify,
        table="reranker",
    )  # fmt: skip
    form = CohereFormat(model, max_tokens_per_doc, fields or {})
    return RemoteReranker("cohere-rerank", form, connection, Reach(depth, budget_ms, batch_items))


def jina(
    model: str,
    *,
    base_url: str = JINA,
    api_key: str | None = None,
    fields: dict[str, Any] | None = None,
    depth: int = DEPTH,
    budget_ms: float | None = None,
    batch_items: int = 1_000,
    retries: int = 1,
    backoff_s: float = 0.5,
    timeout_s: float = 10.0,
    deadline_s: float = 15.0,
    verify: bool | str | Path = True,
    headers: dict[str, str] | None = None,
) -> RemoteReranker:
    """Jina's rerank models, and the servers that speak its format at another `base_url`.

    The key is JINA_API_KEY of the environment where `base_url` is Jina's own. A model that reads
    all texts of a request together (jina-reranker-v3) gives scores that are comparable within one
    request alone: keep `batch_items` above `depth`.
    """
    connection = connection_to(
        "jina-rerank", base_url, JINA, "JINA_API_KEY", api_key, headers, retries=retries,
        backoff_s=backoff_s, timeout_s=timeout_s, deadline_s=deadline_s, verify=verify,
        table="reranker",
    )  # fmt: skip
    form = JinaFormat(model, fields or {})
    return RemoteReranker("jina-rerank", form, connection, Reach(depth, budget_ms, batch_items))


def tei(
    *,
    base_url: str = "http://localhost:8080",
    api_key: str | None = None,
    raw_scores: bool = False,
    truncate: bool = False,
    fields: dict[str, Any] | None = None,
    depth: int = DEPTH,
    budget_ms: float | None = None,
    batch_items: int = 32,
    retries: int = 1,
    backoff_s: float = 0.5,
    timeout_s: float = 10.0,
    deadline_s: float = 15.0,
    verify: bool | str | Path = True,
    headers: dict[str, str] | None = None,
) -> RemoteReranker:
    """A server of Text Embeddings Inference that serves a reranker.

    It takes 32 texts at once, unless it was started with another --max-client-batch-size.
    `raw_scores` are the model's own numbers, otherwise they lie in [0, 1]. Where it refuses texts
    that are too long for its model, it is asked again to cut them, which is told; with `truncate`
    it cuts them without a word.
    """
    connection = connection_to(
        "tei-rerank", base_url, None, None, api_key, headers, retries=retries,
        backoff_s=backoff_s, timeout_s=timeout_s, deadline_s=deadline_s, verify=verify,
        table="reranker",
    )  # fmt: skip
    form = TeiFormat(raw_scores, truncate, fields or {})
    return RemoteReranker("tei-rerank", form, connection, Reach(depth, budget_ms, batch_items))
