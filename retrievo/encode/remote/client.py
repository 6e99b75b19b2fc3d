"""Requests that are sent again where that helps, and errors that say what to do where not."""

import json
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

import httpx
from pydantic import ValidationError

from retrievo import __version__
from retrievo.encode.remote.connection import Connection
from retrievo.encode.remote.waiting import backoff, retry_after
from retrievo.errors import EncoderError

_AGAIN = frozenset({408, 424, 425, 429})
_NEVER = frozenset({501, 505, 511})
_ERROR_BYTES = 65_536

T = TypeVar("T")


class RefusedError(Exception):
    """The service says that there is something wrong with what it was asked."""


class _AgainError(Exception):
    """What failed may go well the next time, after `wait_s` where the service says when."""

    def __init__(self, message: str, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class Client:
    """Sends requests to one service; threads share it. Nothing is sent before `post`.

    `answers` is what a good answer is, `then` what to do when none comes, for messages. Redirects
    are not followed: the key stays with the address that it was given for. Proxies are taken from
    the environment, as httpx does (HTTPS_PROXY, NO_PROXY).
    """

    def __init__(
        self,
        connection: Connection,
        *,
        answers: str = "list of vectors",
        then: str = "What is indexed stays; run again when the service answers",
    ) -> None:
        self._to = connection
        self._then = then
        self._answers = answers
        self._client: httpx.Client | None = None
        self._turn = threading.Lock()
        self._free_at = 0.0
        self.who = f"{connection.service} at {connection.base_url}"

    def post(
        self,
        path: str,
        body: dict[str, Any],
        *,
        read: Callable[[bytes], T],
        refuses: Callable[[int, str], bool],
        limit_bytes: int,
        stop: threading.Event,
    ) -> T:
        """What `read` makes of the answer.

        Raises RefusedError for a refusal, EncoderError for everything else that does not go away.
        """
        url = self._to.base_url.rstrip("/") + path
        data = json.dumps(body, ensure_ascii=False).encode()
        begun = time.monotonic()
        end = begun + self._to.deadline_s
        for attempt in range(self._to.retries + 1):
            self._wait(max(0.0, self._free_at - time.monotonic()), end, stop)
            try:
                return self._once(url, data, read, refuses, limit_bytes, end)
            except _AgainError as error:
                problem, wait_s = str(error), error.wait_s
            if wait_s is not None:
                # The other threads are told to wait as well.
                self._free_at = max(self._free_at, time.monotonic() + wait_s)
            pause = backoff(attempt, self._to.backoff_s) if wait_s is None else wait_s
            if attempt == self._to.retries or time.monotonic() + pause >= end:
                break
            self._wait(pause, end, stop)
        asked = "" if wait_s is None else f" (it asks to wait {wait_s:g} s)"
        raise EncoderError(
            f"{self.who} {problem}{asked}; given up after {attempt + 1} tries in "
            f"{time.monotonic() - begun:.1f} s. {self._then}, or raise retries and deadline_s in "
            f"[{self._to.table}]"
        )

    def close(self) -> None:
        with self._turn:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _wait(self, seconds: float, end: float, stop: threading.Event) -> None:
        if seconds > 0 and time.monotonic() + seconds < end:
            stop.wait(seconds)
        if stop.is_set():
            raise EncoderError(f"{self.who} was not asked any more: another request failed")

    def _once(
        self,
        url: str,
        data: bytes,
        read: Callable[[bytes], T],
        refuses: Callable[[int, str], bool],
        limit_bytes: int,
        end: float,
    ) -> T:
        seconds = max(0.001, min(self._to.timeout_s, end - time.monotonic()))
        until = time.monotonic() + seconds
        try:
            with self._open().stream("POST", url, content=data, timeout=seconds) as response:
                good = response.status_code == 200
                raw = self._body(response, limit_bytes if good else _ERROR_BYTES, until, good)
        except httpx.TimeoutException:
            raise _AgainError(f"did not answer within {seconds:g} s") from None
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL) as error:
            raise EncoderError(
                f"{self.who} cannot be asked: {self._to.clean(str(error))}"
            ) from None
        except httpx.DecodingError:
            raise _AgainError("sent an answer that cannot be unpacked") from None
        except httpx.TransportError as error:
            said = self._to.clean(str(error)) or "no reason given"
            raise _AgainError(f"cannot be reached ({type(error).__name__}: {said})") from None
        if not good:
            self._failed(response, raw, refuses)
        try:
            return read(raw)
        except ValidationError as error:
            # Not shown: what was found, which may hold a text.
            first = error.errors(include_input=False, include_context=False)[0]
        if first["type"] == "json_invalid" and not raw.lstrip().startswith(b"<"):
            raise _AgainError(f"sent an answer of {len(raw)} bytes that is no whole JSON")
        where = ".".join(str(part) for part in first["loc"][:4]) or "its beginning"
        raise EncoderError(
            f"{self.who} answered what is no {self._answers} of this format ({where}: "
            f"{self._to.clean(first['msg'])}); see that base_url is right for this kind of service"
        )

    def _body(self, response: httpx.Response, limit: int, until: float, good: bool) -> bytes:
        parts: list[bytes] = []
        size = 0
        for part in response.iter_bytes():
            size += len(part)
            if size > limit:
                if not good:
                    break
                raise EncoderError(
                    f"{self.who} sent more than {limit:,} bytes, more than a {self._answers} that "
                    "was asked for can have; what came was thrown away"
                )
            if time.monotonic() > until:
                raise _AgainError("did not finish its answer in time")
            parts.append(part)
        return b"".join(parts)

    def _failed(
        self, response: httpx.Response, raw: bytes, refuses: Callable[[int, str], bool]
    ) -> None:
        status = response.status_code
        said = self._to.clean(said_in(raw))
        told = f"{status}: {said}" if said else f"{status} without a reason"
        if refuses(status, said):
            raise RefusedError(told)
        # OpenAI's 429 for an account without money does not go away by waiting.
        if (status in _AGAIN and "insufficient_quota" not in raw.decode("utf-8", "replace")) or (
            status >= 500 and status not in _NEVER
        ):
            raise _AgainError(f"answered {told}", retry_after(response.headers))
        if status in (401, 403):
            what = (
                "the api key is missing" if self._to.api_key is None else "its api key is refused"
            )
            raise EncoderError(f"{self.who} answered {status}: {what}; {self._to.key_hint()}")
        if 300 <= status < 400:
            raise EncoderError(
                f"{self.who} answered {status}, a redirect, which is not followed so that the key "
                "stays where it belongs; set base_url to the address that answers"
            )
        way = f"; see model and base_url in [{self._to.table}]" if status in (404, 405) else ""
        raise EncoderError(f"{self.who} answered {told}{way}")

    def _open(self) -> httpx.Client:
        with self._turn:
            if self._client is None:
                self._client = httpx.Client(
                    headers={
                        "Content-Type": "application/json",
                        "Accept": "application/json",
                        "User-Agent": f"retrievo/{__version__}",
                        **self._to.sent_headers(),
                    },
                    verify=self._to.certificates(),
                    follow_redirects=False,
                )
                weakref.finalize(self, self._client.close)
            return self._client


def said_in(raw: bytes) -> str:
    """What an error's body says for people: the forms of the five services, and of FastAPI.

    A FastAPI server repeats what it was sent; that is left out.
    """
    try:
        told = json.loads(raw)
    except (ValueError, RecursionError):
        text = raw.decode("utf-8", "replace").strip()
        return "a page of HTML" if text.startswith("<") else text
    for key in ("error", "detail", "message"):
        if isinstance(told, dict) and told.get(key):
            told = told[key]
            if isinstance(told, dict):
                told = told.get("message") or told.get("msg") or ""
            if isinstance(told, list):
                told = [one.get("msg", "") if isinstance(one, dict) else one for one in told[:3]]
                told = "; ".join(str(one) for one in told)
            return str(told)
    return str(told) if isinstance(told, str) else ""
