"""How long a client waits before it asks again."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_LONGEST_S = 30.0


def backoff(attempt: int, first_s: float) -> float:
    """Seconds before the try after `attempt` (from 0): doubled each time, at most 30, with jitter.

    Drawn from the upper half, so that clients that failed together do not come back together.
    """
    whole = min(first_s * 2.0**attempt, _LONGEST_S)
    return whole * random.uniform(0.5, 1.0)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a service asks to wait, as it says in seconds or as a date; None without.

    https://www.rfc-editor.org/rfc/rfc9110#field.retry-after, and `retry-after-ms` of OpenAI.
    """
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        told = headers.get(name, "").strip()
        try:
            seconds = float(told) * scale
        except ValueError:
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    told = headers.get("retry-after", "")
    try:
        when = parsedate_to_datetime(told)
    except (TypeError, ValueError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
