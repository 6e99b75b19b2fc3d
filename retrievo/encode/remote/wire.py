"""The formats of embedding services as data: what is asked of one, and how its answer reads.

OpenAI: https://platform.openai.com/docs/api-reference/embeddings/create
Cohere: https://docs.cohere.com/reference/embed
Jina: https://api.jina.ai/openapi.json
Text Embeddings Inference: https://huggingface.github.io/text-embeddings-inference
Ollama: https://docs.ollama.com/api/embed
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, RootModel

from retrievo.encode.encoded import Side
from retrievo.encode.remote.answers import Answer, Row

Encoding = Literal["auto", "base64", "float"]


class Format(Protocol):
    """How one kind of service is spoken to.

    `may_cut` is whether the service may read the beginning of a long text and say nothing: because
    it is asked to, or because the format has no field that forbids it.
    """

    @property
    def path(self) -> str: ...
    @property
    def may_cut(self) -> bool: ...
    def body(self, texts: list[str], side: Side) -> dict[str, Any]: ...
    def read(self, data: bytes) -> Answer:
        """Raises pydantic's ValidationError for what is no answer of this kind."""
        ...

    def refuses(self, status: int, said: str) -> bool:
        """Whether an error is about what was asked, and not about the service."""
        ...

    def plainer(self) -> "Format | None":
        """The format without what a service of the kind need not know; None where it is that."""
        ...

    def settings(self) -> dict[str, Any]:
        """What changes vectors."""
        ...


class _Told(BaseModel):
    # Strict: "0.1" is no number. What a service tells beyond this is left alone.
    model_config = ConfigDict(strict=True, extra="ignore")


class _Usage(_Told):
    total_tokens: int | None = None


class _Item(_Told):
    index: int | None = None
    embedding: Row


class _Items(_Told):
    data: list[_Item]
    model: str | None = None
    usage: _Usage | None = None

    def answer(self) -> Answer:
        return Answer(
            [item.embedding for item in self.data],
            [item.index for item in self.data],
            self.model,
            self.usage.total_tokens if self.usage else None,
        )


class _Simple:
    """What most formats have in common: no fall back, and the refusals that HTTP names."""

    def refuses(self, status: int, said: str) -> bool:
        return status in (400, 413, 422)

    def plainer(self) -> Format | None:
        return None


@dataclass(frozen=True)
class OpenAIFormat(_Simple):
    """`encoding` "auto" asks for base64, a quarter of the bytes, until a service refuses it."""

    model: str
    dimensions: int | None
    encoding: Encoding = "auto"
    query_fields: Mapping[str, Any] = field(default_factory=dict)
    document_fields: Mapping[str, Any] = field(default_factory=dict)
    own: bool = True
    """Whether the service is OpenAI's own, which refuses what is too long."""

    path = "/embeddings"

    @property
    def may_cut(self) -> bool:
        return not self.own

    def body(self, texts: list[str], side: Side) -> dict[str, Any]:
        asked: dict[str, Any] = {"model": self.model, "input": texts}
        asked["encoding_format"] = "float" if self.encoding == "float" else "base64"
        if self.dimensions is not None:
            asked["dimensions"] = self.dimensions
        return {**asked, **(self.query_fields if side == "query" else self.document_fields)}

    def read(self, data: bytes) -> Answer:
        return _Items.model_validate_json(data).answer()

    def plainer(self) -> Format | None:
        return replace(self, encoding="float") if self.encoding == "auto" else None

    def settings(self) -> dict[str, Any]:
        return {"query": dict(self.query_fields), "document": dict(self.document_fields)}


class _ByType(_Told):
    float: list[Row]


class _Billed(_Told):
    # A count, told as a number with a fraction.
    input_tokens: float | None = None


class _Meta(_Told):
    billed_units: _Billed | None = None
    warnings: list[str] | None = None


class _CohereAnswer(_Told):
    embeddings: _ByType
    meta: _Meta | None = None


@dataclass(frozen=True)
class CohereFormat(_Simple):
    model: str
    dimensions: int | None
    query_input_type: str
    document_input_type: str
    truncate: bool

    path = "/embed"

    @property
    def may_cut(self) -> bool:
        return self.truncate

    def body(self, texts: list[str], side: Side) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "model": self.model,
            "texts": texts,
            "input_type": self.query_input_type if side == "query" else self.document_input_type,
            "embedding_types": ["float"],
            "truncate": "END" if self.truncate else "NONE",
        }
        if self.dimensions is not None:
            asked["output_dimension"] = self.dimensions
        return asked

    def read(self, data: bytes) -> Answer:
        told = _CohereAnswer.model_validate_json(data)
        meta = told.meta or _Meta()
        tokens = meta.billed_units.input_tokens if meta.billed_units else None
        rows = told.embeddings.float
        return Answer(
            rows, None, None, None if tokens is None else int(tokens), meta.warnings or []
        )

    def settings(self) -> dict[str, Any]:
        return {"query": self.query_input_type, "document": self.document_input_type}


@dataclass(frozen=True)
class JinaFormat(_Simple):
    model: str
    dimensions: int | None
    query_task: str | None
    document_task: str | None
    truncate: bool

    path = "/embeddings"

    @property
    def may_cut(self) -> bool:
        return self.truncate

    def body(self, texts: list[str], side: Side) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "model": self.model,
            "input": texts,
            "embedding_type": "float",
            "truncate": self.truncate,
        }
        task = self.query_task if side == "query" else self.document_task
        if task is not None:
            asked["task"] = task
        if self.dimensions is not None:
            asked["dimensions"] = self.dimensions
        return asked

    def read(self, data: bytes) -> Answer:
        return _Items.model_validate_json(data).answer()

    def settings(self) -> dict[str, Any]:
        return {"query": self.query_task, "document": self.document_task}


class _Rows(RootModel[list[Row]]):
    model_config = ConfigDict(strict=True)


@dataclass(frozen=True)
class TeiFormat(_Simple):
    dimensions: int | None
    normalize: bool
    truncate: bool

    path = "/embed"

    @property
    def may_cut(self) -> bool:
        return self.truncate

    def body(self, texts: list[str], side: Side) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "inputs": texts,
            "normalize": self.normalize,
            "truncate": self.truncate,
        }
        if self.dimensions is not None:
            asked["dimensions"] = self.dimensions
        return asked

    def read(self, data: bytes) -> Answer:
        return Answer(_Rows.model_validate_json(data).root, None, None, None)

    def settings(self) -> dict[str, Any]:
        return {}


class _OllamaAnswer(_Told):
    embeddings: list[Row]
    model: str | None = None
    prompt_eval_count: int | None = None


@dataclass(frozen=True)
class OllamaFormat(_Simple):
    model: str
    dimensions: int | None
    truncate: bool

    path = "/api/embed"

    @property
    def may_cut(self) -> bool:
        return self.truncate

    def body(self, texts: list[str], side: Side) -> dict[str, Any]:
        asked: dict[str, Any] = {"model": self.model, "input": texts, "truncate": self.truncate}
        if self.dimensions is not None:
            asked["dimensions"] = self.dimensions
        return asked

    def read(self, data: bytes) -> Answer:
        told = _OllamaAnswer.model_validate_json(data)
        return Answer(told.embeddings, None, told.model, told.prompt_eval_count)

    def refuses(self, status: int, said: str) -> bool:
        # A vector with NaN cannot be written as JSON in Go: an error of the server for one text.
        return super().refuses(status, said) or (status == 500 and "unsupported value" in said)

    def settings(self) -> dict[str, Any]:
        return {}
