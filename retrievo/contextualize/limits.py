"""A run that would cost more than it may: refused before it begins."""

from collections.abc import Callable, Iterator
from typing import Any

from retrievo.contextualize.estimate import Estimate
from retrievo.errors import ConfigError
from retrievo.telling import collecting


def check_cost(
    contextualizer: Any, sources: object, estimate: Callable[[], Estimate | None]
) -> None:
    """Raise ConfigError where a contextualizer with limits would spend more than they allow.

    An iterator can be read only once: there the run itself stops at the limit.
    """
    if not getattr(contextualizer, "limited", False) or isinstance(sources, Iterator):
        return
    with collecting():  # the run itself tells the same again
        found = estimate()
    refused = refusal(contextualizer, found)
    if refused:
        raise ConfigError(refused[0])


def refusal(contextualizer: Any, estimate: Estimate | None) -> list[str]:
    """Why a run of that cost would be refused, if it would."""
    check = getattr(contextualizer, "check", None)
    if check is None or estimate is None:
        return []
    try:
        check(estimate)
    except ConfigError as error:
        return [str(error)]
    return []
