"""What can be asked of a search: one list of options for code, configuration and command line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypedDict, cast

from retrievo.arguments import check_number, check_whole
from retrievo.errors import ConfigError
from retrievo.host.nearest import hint, listed
from retrievo.search.parents import check_parents

LONGEST_S = 86_400.0
MOST_WEIGHT = 1e9

Steer = Sequence[tuple[str, str]]


class Wanted(TypedDict, total=False):
    """The options of one search; what is left out is as `[search]` of the configuration says."""

    per_document: bool
    parents: float | None
    drop_duplicates: float | None
    expand_context: int
    max_context_tokens: int | None
    context_tokenizer: str | None
    min_confidence: float | None
    weights: Mapping[str, float] | None
    steer: Steer
    timeout_s: float | None
    strict: bool


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """The options of a search, checked. Raises ValueError or TypeError, naming the option.

    `per_document`: only the best chunk of each document.
    `parents`: a parent takes the place of its children where this share of them (0 to 1) is found.
    `drop_duplicates`: a hit goes that shares at least this share (above 0, to 1) of its five-word
    sequences with a better one.
    `expand_context`: how many chunks before and after a hit come with it.
    `max_context_tokens`: hits are packed, best first, until so many tokens are full.
    `context_tokenizer`: what counts them, "static" or an encoding of tiktoken, "tiktoken:NAME";
    without it tiktoken's o200k_base where its vocabulary is on this machine, else "static".
    `min_confidence`: hits of less confidence (0 to 1) go; where none is left there is no answer.
    `weights`: what each branch counts in this search, by its name.
    `steer`: ("more", TEXT) and ("less", TEXT) move the query towards a text or away from it.
    `timeout_s`: when the time is up, the search answers with what has come in.
    `strict`: a step that fails or is late is an error, not a warning.
    """

    per_document: bool = False
    parents: float | None = None
    drop_duplicates: float | None = None
    expand_context: int = 0
    max_context_tokens: int | None = None
    context_tokenizer: str | None = None
    min_confidence: float | None = None
    weights: Mapping[str, float] | None = None
    steer: Steer = ()
    timeout_s: float | None = None
    strict: bool = False

    def __post_init__(self) -> None:
        for name in ("per_document", "strict"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} is {getattr(self, name)!r}; True or False is wanted")
        check_parents(self.parents, per_document=self.per_document)
        if self.drop_duplicates is not None:
            check_number("drop_duplicates", self.drop_duplicates, above=True, most=1)
        if self.min_confidence is not None:
            check_number("min_confidence", self.min_confidence, most=1)
        if self.timeout_s is not None:
            check_number("timeout_s", self.timeout_s, above=True, most=LONGEST_S)
        check_whole("expand_context", self.expand_context, 0)
        if self.max_context_tokens is not None:
            check_whole("max_context_tokens", self.max_context_tokens, 1)
        _check_tokenizer(self.context_tokenizer)
        if self.weights is not None:
            _check_weights(self.weights)
        object.__setattr__(self, "steer", _steps(self.steer))

    @property
    def needs_more(self) -> bool:
        """Whether hits may go after they were ranked, so that others have to be there for them."""
        return (
            self.parents is not None
            or self.drop_duplicates is not None
            or self.max_context_tokens is not None
            or self.expand_context > 0
        )


def options_of(
    given: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
) -> SearchOptions:
    """The options given, over those of the configuration. Raises TypeError for an unknown one."""
    if not given and not defaults:
        return NO_OPTIONS
    known = [field.name for field in fields(SearchOptions)]
    for name in given:
        if name not in known:
            nearest = hint(str(name), [*known, "top_k", "filters", "tenant"])
            raise TypeError(
                f"there is no option {name!r}{nearest} Known: {listed(known)}; top_k, filters and "
                "tenant are arguments of a search alone"
            )
    return SearchOptions(**{**(defaults or {}), **given})


def _check_weights(weights: object) -> None:
    wanted = "weights is a mapping of the retrievers' names to numbers from 0 up, not all 0"
    if not isinstance(weights, Mapping):
        raise TypeError(f'{wanted}, not {weights!r}; "auto" stands in [fusion]')
    for name, weight in weights.items():
        if not isinstance(name, str):
            raise TypeError(f"{wanted}; found the name {name!r}")
        check_number(f"weights[{name!r}]", weight, most=MOST_WEIGHT)
    if not any(weights.values()):
        raise ValueError(f"{wanted}; found {dict(weights)}")


def _check_tokenizer(name: object) -> None:
    if name is None or name == "static":
        return
    kind, _, encoding = name.partition(":") if isinstance(name, str) else ("", "", "")
    if kind != "tiktoken" or not encoding:
        raise ValueError(
            f"context_tokenizer is {name!r}; 'static' or 'tiktoken:o200k_base' (or another "
            "encoding of tiktoken) is wanted"
        )


def _steps(steer: object) -> tuple[tuple[str, str], ...]:
    wanted = 'steer is a list of ("more", TEXT) and ("less", TEXT)'
    if isinstance(steer, (str, bytes)) or not isinstance(steer, Sequence):
        raise TypeError(f"{wanted}, not {steer!r}")
    found = []
    for step in steer:
        pair = tuple(step) if isinstance(step, (list, tuple)) else ()
        if len(pair) != 2 or not all(isinstance(part, str) for part in pair):
            raise TypeError(f"{wanted}; found {step!r}")
        if pair[0] not in ("more", "less") or not pair[1].strip():
            raise ValueError(f"{wanted}; found {step!r}")
        found.append(cast(tuple[str, str], pair))
    return tuple(found)


def search_table(tables: Mapping[str, Any], source: str) -> Mapping[str, Any]:
    """The options that the table [search] sets. Raises ConfigError for what is none."""
    table: Mapping[str, Any] = tables.get("search", {})
    try:
        options_of(table)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{source}: [search]: {error}") from error
    return table


NO_OPTIONS = SearchOptions()
