"""A client for an address: checked before it is made, and named without credentials."""

from urllib.parse import urlsplit

from qdrant_client import QdrantClient

from retrievo.errors import ConfigError
from retrievo.telling import tell

MEMORY = ":memory:"
"""The address of qdrant-client's own imitation of a server, in this process; for tests."""

_NEAR = ("localhost", "127.0.0.1", "::1")


def named(url: str) -> str:
    """The address as messages show it. Raises ConfigError for one that a client would misread."""
    if url == MEMORY:
        return url
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigError("qdrant: url is no address; 'http://localhost:6333' is one") from None
    if parts.username or parts.password or parts.query or parts.fragment:
        # Not shown: it may be a secret, which the client would drop without a word.
        raise ConfigError(
            "qdrant: url holds a user, a password or a query; give the address alone, and the key "
            "in QDRANT_API_KEY or as api_key = 'env:NAME'"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(
            f"qdrant: url is {url!r}; http://HOST:PORT, https://HOST:PORT or ':memory:' is wanted"
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port or 6333}{parts.path.rstrip('/')}"


def connect(
    url: str, api_key: str | None, *, timeout_s: int, prefer_grpc: bool, grpc_port: int
) -> QdrantClient:
    """A client; it sends nothing before it is asked to."""
    if url == MEMORY:
        return QdrantClient(MEMORY)
    parts = urlsplit(url)
    if api_key and parts.scheme == "http" and parts.hostname not in _NEAR:
        tell(f"qdrant: the api key goes to {named(url)} unencrypted; use https", stacklevel=4)
    return QdrantClient(
        url=url,
        # In a header, as `api_key=` would, but for its own warning about http.
        headers={"api-key": api_key} if api_key else None,
        timeout=timeout_s,
        prefer_grpc=prefer_grpc,
        grpc_port=grpc_port,
        # It would ask for the version in a thread of its own, and warn from there.
        check_compatibility=False,
        # Without TLS there is no certificate: reading the authorities' would take a second.
        **({"verify": False} if parts.scheme == "http" else {}),
    )


def in_process(client: QdrantClient) -> bool:
    """Whether the client is its own store, without a server."""
    options = client.init_options
    return options.get("location") == MEMORY or options.get("path") is not None
