"""How a service is reached: its address, what is waited for, and what is never shown."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from retrievo.errors import ConfigError
from retrievo.telling import tell

_NEAR = ("localhost", "127.0.0.1", "::1")
_SHOWN = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where a service is, who asks, and how long is waited.

    A request is given up after `timeout_s` and sent again up to `retries` times, all in all for at
    most `deadline_s`; between two tries lie `backoff_s`, doubled each time and drawn from its upper
    half, or what the service asks for.
    """

    service: str
    base_url: str
    key_variable: str | None
    api_key: str | None = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    retries: int
    backoff_s: float
    timeout_s: float
    deadline_s: float
    verify: bool | str | Path
    table: str = "encoder"
    """The table of a configuration that messages name."""

    def __post_init__(self) -> None:
        parts = _parts(self.service, self.base_url)
        if self.retries < 0 or min(self.timeout_s, self.deadline_s) <= 0 or self.backoff_s < 0:
            raise ConfigError(
                f"{self.service}: retries and backoff_s of 0 or more are wanted, timeout_s and "
                f"deadline_s above 0; got {self.retries}, {self.backoff_s:g}, {self.timeout_s:g}, "
                f"{self.deadline_s:g}"
            )
        for name, value in self.headers.items():
            if not (name + value).isascii() or not (name + value).isprintable():
                raise ConfigError(f"{self.service}: the header {name!r} holds what no header can")
        if self.api_key is not None and not (self.api_key.isascii() and self.api_key.isprintable()):
            raise ConfigError(f"{self.service}: api_key holds a line break, or what no key can")
        if (self.api_key or self.headers) and parts == "http":
            tell(
                f"{self.service}: the api key goes to {self.base_url} unencrypted; use https",
                stacklevel=6,
            )

    def address(self) -> tuple[str, str, int, str]:
        """Scheme, host, port and path, the same for two spellings of one address."""
        parts = urlsplit(self.base_url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return parts.scheme, parts.hostname or "", port, parts.path.rstrip("/")

    def sent_headers(self) -> dict[str, str]:
        key = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        return {**key, **self.headers}

    def certificates(self) -> ssl.SSLContext | bool:
        """What httpx takes as `verify`."""
        if self.base_url.startswith("http:"):
            return False  # reading the authorities would take time, for nothing
        if isinstance(self.verify, bool):
            return self.verify
        path = Path(self.verify).expanduser()
        try:
            if path.is_dir():
                return ssl.create_default_context(capath=path)
            return ssl.create_default_context(cafile=path)
        except OSError as error:
            raise ConfigError(
                f"{self.service}: verify = {str(self.verify)!r} holds no certificates: {error}"
            ) from error

    def clean(self, text: str) -> str:
        """A text of the service, short, in one line, without what must not be shown."""
        for secret in (self.api_key, *self.headers.values()):
            if secret:
                text = text.replace(secret, "***")
        line = "".join(c if c.isprintable() else " " for c in " ".join(text.split()))
        return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."

    def key_hint(self) -> str:
        """What to do about a key that is missing or wrong."""
        if self.key_variable is None:
            return f"set api_key = 'env:NAME' in [{self.table}]"
        return f"set {self.key_variable}, or api_key = 'env:NAME' in [{self.table}]"


def _parts(service: str, url: str) -> str:
    """The word "http" where what is sent can be read on its way, else "". Raises ConfigError."""
    if any(mark in url for mark in "@?#"):
        # By the marks, not by the parts: without its scheme an address has no user, but a secret
        # all the same. Not shown, here or in a later error.
        raise ConfigError(
            f"{service}: base_url holds a user, a password or a query ('@', '?' or '#'); give the "
            "address alone, and a key as api_key = 'env:NAME' or in headers; an '@' of the path "
            "is written %40"
        )
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ConfigError(f"{service}: base_url is no address") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"{service}: base_url is {url!r}; https://HOST/PATH is wanted")
    return "http" if parts.scheme == "http" and parts.hostname not in _NEAR else ""


def connection_to(
    service: str,
    base_url: str,
    own_url: str | None,
    key_variable: str | None,
    api_key: str | None,
    headers: Mapping[str, str] | None,
    **waiting: Any,
) -> Connection:
    """The connection, with the service's own key only where the address is its own.

    `api_key` may be "env:NAME" in Python, too; raises ConfigError where that is not set.
    """
    if own_url is None or not same_address(base_url, own_url):
        key_variable = None
    if api_key is not None and api_key.startswith("env:"):
        # A configuration has put the key in already; in Python it may be named the same way.
        named = api_key.removeprefix("env:")
        if not os.environ.get(named):
            raise ConfigError(
                f"{service}: the environment variable {named!r}, which api_key names, is not set; "
                "export it and run again"
            )
        api_key = os.environ[named]
    elif not api_key and key_variable is not None:
        api_key = os.environ.get(key_variable)
    return Connection(
        service=service,
        base_url=base_url,
        key_variable=key_variable,
        api_key=(api_key or "").strip() or None,
        headers=headers or {},
        **waiting,
    )


def same_address(one: str, other: str) -> bool:
    """Whether two addresses differ in nothing but a slash at their end."""
    return one.rstrip("/") == other.rstrip("/")
