"""The encoders of this folder by their names: one function for each kind of service."""

from pathlib import Path
from typing import Any

from retrievo.encode.cache import CacheSetting
from retrievo.encode.remote.connection import connection_to, same_address
from retrievo.encode.remote.encoder import RemoteEncoder
from retrievo.encode.remote.wire import (
    CohereFormat,
    Encoding,
    JinaFormat,
    OllamaFormat,
    OpenAIFormat,
    TeiFormat,
)
from retrievo.encode.transformer.fitting import OnTruncate

OPENAI = "https://api.openai.com/v1"
COHERE = "https://api.cohere.com/v2"
JINA = "https://api.jina.ai/v1"


def openai(
    model: str,
    *,
    base_url: str = OPENAI,
    api_key: str | None = None,
    dimensions: int | None = None,
    dim: int | None = None,
    revision: str | None = None,
    encoding: Encoding = "auto",
    query_prompt: str = "",
    document_prompt: str = "",
    query_fields: dict[str, Any] | None = None,
    document_fields: dict[str, Any] | None = None,
    normalize: bool = True,
    max_tokens: int | None = None,
    tokenizer_file: str | Path | None = None,
    on_truncate: OnTruncate = "error",
    batch_items: int = 256,
    batch_tokens: int = 100_000,
    concurrency: int = 4,
    retries: int = 4,
    backoff_s: float = 0.5,
    timeout_s: float = 60.0,
    deadline_s: float = 300.0,
    verify: bool | str | Path = True,
    headers: dict[str, str] | None = None,
    cache: CacheSetting = "auto",
) -> RemoteEncoder:
    """OpenAI, and the many services and servers that speak its format at another `base_url`.

    The key is OPENAI_API_KEY of the environment where `base_url` is OpenAI's own.
    `query_fields` and `document_fields` are added to the request of a side, for services that take
    more: `{input_type = "query"}`. Another service than OpenAI may read the beginning of a long
    text and say nothing: give `max_tokens`, and the model's `tokenizer_file`.
    """
    form = OpenAIFormat(
        model, dimensions, encoding, query_fields or {}, document_fields or {},
        own=same_address(base_url, OPENAI),
    )  # fmt: skip
    connection = connection_to(
        "openai", base_url, OPENAI, "OPENAI_API_KEY", api_key, headers, retries=retries,
        backoff_s=backoff_s, timeout_s=timeout_s, deadline_s=deadline_s, verify=verify,
    )  # fmt: skip
    return RemoteEncoder(
        "openai", model, form, connection, dim=dim, dimensions=dimensions, revision=revision,
        query_prompt=query_prompt, document_prompt=document_prompt, normalize=normalize,
        max_tokens=max_tokens, tokenizer_file=tokenizer_file, on_truncate=on_truncate,
        batch_items=batch_items, batch_tokens=batch_tokens, concurrency=concurrency, cache=cache,
    )  # fmt: skip


def cohere(
    model: str,
    *,
    base_url: str = COHERE,
    api_key: str | None = None,
    dimensions: int | None = None,
    dim: int | None = None,
    revision: str | None = None,
    query_input_type: str = "search_query",
    document_input_type: str = "search_document",
    query_prompt: str = "",
    document_prompt: str = "",
    normalize: bool = True,
    max_tokens: int | None = None,
    tokenizer_file: str | Path | None = None,
    on_truncate: OnTruncate = "error",
    batch_items: int = 96,
    batch_tokens: int = 100_000,
    concurrency: int = 4,
    retries: int = 4,
    backoff_s: float = 0.5,
    timeout_s: float = 60.0,
    deadline_s: float = 300.0,
    verify: bool | str | Path = True,
    headers: dict[str, str] | None = None,
    cache: CacheSetting = "auto",
) -> RemoteEncoder:
    """Cohere's embed models, by version 2 of its interface.

    The key is CO_API_KEY of the environment where `base_url` is Cohere's own. A request takes at
    most 96 texts. `dimensions` are known to embed-v4.0 and later.
    """
    truncate = on_truncate == "warn"
    form = CohereFormat(model, dimensions, query_input_type, document_input_type, truncate)
    connection = connection_to(
        "cohere", base_url, COHERE, "CO_API_KEY", api_key, headers, retries=retries,
        backoff_s=backoff_s, timeout_s=timeout_s, deadline_s=deadline_s, verify=verify,
    )  # fmt: skip
    return RemoteEncoder(
        "cohere", model, form, connection, dim=dim, dimensions=dimensions, revision=revision,
        query_prompt=query_prompt, document_prompt=document_prompt, normalize=normalize,
        max_tokens=max_tokens, tokenizer_file=tokenizer_file, on_truncate=on_truncate,
        batch_items=batch_items, batch_tokens=batch_tokens, concurrency=concurrency, cache=cache,
    )  # fmt: skip


def jina(
    model: str,
    *,
    base_url: str = JINA,
    api_key: str | None = None,
    dimensions: int | None = None,
    dim: int | None = None,
    revision: str | None = None,
    query_task: str | None = "retrieval.query",
    document_task: str | None = "retrieval.passage",
    query_prompt: str = "",
    document_prompt: str = "",
    normalize: bool = True,
    max_tokens: int | None = None,
    tokenizer_file: str | Path | None = None,
    on_truncate: OnTruncate = "error",
    batch_items: int = 128,
    batch_tokens: int = 100_000,
    concurrency: int = 4,
    retries: int = 4,
    backoff_s: float = 0.5,
    timeout_s: float = 60.0,
    deadline_s: float = 300.0,
    verify: bool | str | Path = True,
    headers: dict[str, str] | None = None,
    cache: CacheSetting = "auto",
) -> RemoteEncoder:
    """Jina AI's embedding models.

    The key is JINA_API_KEY of the environment where `base_url` is Jina's own. Models before
    version 3 know no tasks: set both to None (in TOML to "").
    """
    truncate = on_truncate == "warn"
    form = JinaFormat(model, dimensions, query_task or None, document_task or None, truncate)
    connection = connection_to(
        "jina", base_url, JINA, "JINA_API_KEY", api_key, headers, retries=retries,
        backoff_s=backoff_s, timeout_s=timeout_s, deadline_s=deadline_s, verify=verify,
    )  # fmt: skip
    return RemoteEncoder(
        "jina", model, form, connection, dim=dim, dimensions=dimensions, revision=revision,
        query_prompt=query_prompt, document_prompt=document_prompt, normalize=normalize,
        max_tokens=max_tokens, tokenizer_file=tokenizer_file, on_truncate=on_truncate,
        batch_items=batch_items, batch_tokens=batch_tokens, concurrency=concurrency, cache=cache,
    )  # fmt: skip


def tei(
    model: str,
    *,
    base_url: str = "http://localhost:8080",
    api_key: str | None = None,
    dimensions: int | None = None,
    dim: int | None = None,
    revision: str | None = None,
    query_prompt: str = "",
    document_prompt: str = "",
    normalize: bool = True,
    max_tokens: int | None = None,
    tokenizer_file: str | Path | None = None,
    on_truncate: OnTruncate = "error",
    batch_items: int = 32,
    batch_tokens: int = 100_000,
    concurrency: int = 4,
    retries: int = 4,
    backoff_s: float = 0.5,
    timeout_s: float = 60.0,
    deadline_s: float = 300.0,
    verify: bool | str | Path = True,
    headers: dict[str, str] | None = None,
    cache: CacheSetting = "auto",
) -> RemoteEncoder:
    """A server of Hugging Face's Text Embeddings Inference, by its own interface.

    The server runs one model; `model` is the name that the index keeps of it. `batch_items` is at
    most the server's --max-client-batch-size, 32 unless set.
    """
    form = TeiFormat(dimensions, normalize, truncate=on_truncate == "warn")
    connection = connection_to(
        "tei", base_url, None, None, api_key, headers, retries=retries,
        backoff_s=backoff_s, timeout_s=timeout_s, deadline_s=deadline_s, verify=verify,
    )  # fmt: skip
    return RemoteEncoder(
        "tei", model, form, connection, dim=dim, dimensions=dimensions, revision=revision,
        query_prompt=query_prompt, document_prompt=document_prompt, normalize=normalize,
        max_tokens=max_tokens, tokenizer_file=tokenizer_file, on_truncate=on_truncate,
        batch_items=batch_items, batch_tokens=batch_tokens, concurrency=concurrency, cache=cache,
    )  # fmt: skip


def ollama(
    model: str,
    *,
    base_url: str = "http://localhost:11434",
    api_key: str | None = None,
    dimensions: int | None = None,
    dim: int | None = None,
    revision: str | None = None,
    query_prompt: str = "",
    document_prompt: str = "",
    normalize: bool = True,
    max_tokens: int | None = None,
    tokenizer_file: str | Path | None = None,
    on_truncate: OnTruncate = "error",
    batch_items: int = 32,
    batch_tokens: int = 100_000,
    concurrency: int = 2,
    retries: int = 4,
    backoff_s: float = 0.5,
    timeout_s: float = 120.0,
    deadline_s: float = 600.0,
    verify: bool | str | Path = True,
    headers: dict[str, str] | None = None,
    cache: CacheSetting = "auto",
) -> RemoteEncoder:
    """A model that Ollama runs, which loads it on the first request."""
    form = OllamaFormat(model, dimensions, truncate=on_truncate == "warn")
    connection = connection_to(
        "ollama", base_url, None, None, api_key, headers, retries=retries,
        backoff_s=backoff_s, timeout_s=timeout_s, deadline_s=deadline_s, verify=verify,
    )  # fmt: skip
    return RemoteEncoder(
        "ollama", model, form, connection, dim=dim, dimensions=dimensions, revision=revision,
        query_prompt=query_prompt, document_prompt=document_prompt, normalize=normalize,
        max_tokens=max_tokens, tokenizer_file=tokenizer_file, on_truncate=on_truncate,
        batch_items=batch_items, batch_tokens=batch_tokens, concurrency=concurrency, cache=cache,
    )  # fmt: skip
