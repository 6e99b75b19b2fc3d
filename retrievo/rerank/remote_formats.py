"""The formats of reranking services as data: what is asked of one, and how its answer reads.

Cohere: https://docs.cohere.com/reference/rerank (version 2)
Jina: https://api.jina.ai/openapi.json
Text Embeddings Inference: https://huggingface.github.io/text-embeddings-inference
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict, RootModel

from retrievo.errors import SearchError

PATH = "/rerank"


class Told(NamedTuple):
    """What a service said: (index of the text, score) in any order, and what it warns of."""

    scores: Sequence[tuple[int, float | None]]
    warnings: Sequence[str] = ()


class RerankFormat(Protocol):
    """How one kind of service is spoken to."""

    def body(self, query: str, texts: list[str]) -> dict[str, Any]: ...
    def read(self, data: bytes) -> Told:
        """Raises pydantic's ValidationError for what is no answer of this kind."""
        ...

    def cutting(self) -> "RerankFormat | None":
        """The format that lets the service cut long texts; None where it does or cannot."""
        ...


class _Answer(BaseModel):
    # Strict: "0.1" is no number. What a service tells beyond this is left alone.
    model_config = ConfigDict(strict=True, extra="ignore")


class _Result(_Answer):
    index: int
    relevance_score: float | None


class _Meta(_Answer):
    warnings: list[str] | None = None


class _Results(_Answer):
    results: list[_Result]
    meta: _Meta | None = None

    def told(self) -> Told:
        warnings = (self.meta.warnings if self.meta else None) or []
        return Told([(one.index, one.relevance_score) for one in self.results], warnings)


@dataclass(frozen=True)
class CohereFormat:
    model: str
    max_tokens_per_doc: int | None
    fields: Mapping[str, Any] = field(default_factory=dict)

    def body(self, query: str, texts: list[str]) -> dict[str, Any]:
        asked: dict[str, Any] = {"model": self.model, "query": query, "documents": texts}
        if self.max_tokens_per_doc is not None:
            asked["max_tokens_per_doc"] = self.max_tokens_per_doc
        return {**asked, **self.fields}

    def read(self, data: bytes) -> Told:
        return _Results.model_validate_json(data).told()

    def cutting(self) -> RerankFormat | None:
        return None


@dataclass(frozen=True)
class JinaFormat:
    model: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    def body(self, query: str, texts: list[str]) -> dict[str, Any]:
        asked = {
            "model": self.model,
            "query": query,
            "documents": texts,
            "return_documents": False,
        }
        return {**asked, **self.fields}

    def read(self, data: bytes) -> Told:
        return _Results.model_validate_json(data).told()

    def cutting(self) -> RerankFormat | None:
        return None


class _Rank(_Answer):
    index: int
    score: float | None


class _Ranks(RootModel[list[_Rank]]):
    model_config = ConfigDict(strict=True)


@dataclass(frozen=True)
class TeiFormat:
    raw_scores: bool
    truncate: bool
    fields: Mapping[str, Any] = field(default_factory=dict)

    def body(self, query: str, texts: list[str]) -> dict[str, Any]:
        asked = {
            "query": query,
            "texts": texts,
            "raw_scores": self.raw_scores,
            "return_text": False,
            "truncate": self.truncate,
        }
        return {**asked, **self.fields}

    def read(self, data: bytes) -> Told:
        return Told([(one.index, one.score) for one in _Ranks.model_validate_json(data).root])

    def cutting(self) -> RerankFormat | None:
        return None if self.truncate else replace(self, truncate=True)


def scores_in_order(told: Told, n: int, who: str) -> list[float]:
    """The score of each of n texts. Raises SearchError for an answer that is not theirs.

    That is a text without a score or with two, an index that no text has, and a score that is not
    finite: an order made of the rest would look right and be none.
    """
    counts = Counter(index for index, _ in told.scores)
    strange = sorted(index for index in counts if not 0 <= index < n)
    if strange:
        raise SearchError(
            f"{who} gave a score to the text with the index {strange[0]}; 0 to {n - 1} were sent"
        )
    twice = sorted(index for index, count in counts.items() if count > 1)
    if twice:
        raise SearchError(f"{who} gave {counts[twice[0]]} scores to the text {twice[0]} of {n}")
    missing = [index for index in range(n) if index not in counts]
    if missing:
        raise SearchError(
            f"{who} gave no score to {len(missing)} of {n} texts, number {missing[0]} the first; a "
            "service that gives the best ones alone cannot be used: leave its top_n out"
        )
    found = dict(told.scores)
    for index in range(n):
        score = found[index]
        if score is None or not isfinite(score):
            raise SearchError(f"{who} gave the text {index} of {n} a score that is no number")
    return [float(found[index] or 0.0) for index in range(n)]
