"""The chat format of OpenAI: what of an answer is read, and what of that is kept.

https://platform.openai.com/docs/api-reference/chat/create
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from retrievo.chunk.sizing import first_tokens
from retrievo.encode.static_tokens import static_tokens

OPENAI = "https://api.openai.com/v1"
PATH = "/chat/completions"
LIMIT_BYTES = 1_048_576
"""Of an answer: models that think aloud send more than what is asked for."""

LONGEST_TOKEN = 64
"""Characters that are looked at for each token that is wanted: words have fewer, and no answer is
long enough to keep a search waiting."""

_THOUGHT = re.compile(r"\s*<think>.*?</think>", re.S)
_DROPPED = ("Cc", "Cs", "Co", "Cn")
# Marks of direction could turn what a reader sees of a context; these have no width at all.
_INVISIBLE = frozenset("\u200b\u200e\u200f\u2060\ufeff\u061c") | frozenset(
    map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
)
_QUOTES = {'"': '"', "“": "”", "`": "`", "'": "'", "«": "»"}


class _Told(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class _Message(_Told):
    content: str | None = None


class _Choice(_Told):
    message: _Message


class _Usage(_Told):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Completion(_Told):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None


class Answer(NamedTuple):
    """What a model wrote, and the tokens that its service counted, 0 where it told none."""

    text: str
    input_tokens: int
    output_tokens: int


def read(data: bytes) -> Answer:
    """Raises pydantic's ValidationError for what is no answer of this format."""
    told = _Completion.model_validate_json(data)
    usage = told.usage or _Usage()
    text = told.choices[0].message.content or ""
    return Answer(text, usage.prompt_tokens or 0, usage.completion_tokens or 0)


def refuses(status: int, said: str) -> bool:
    """Whether an error is about what was asked, and not about the service."""
    return status in (400, 413, 422)


def settings(
    model: str,
    most_tokens: int,
    temperature: float,
    fields: Mapping[str, Any] | None,
    leave_out: Sequence[str] | None,
) -> dict[str, Any]:
    """What a request holds beside its messages; `fields` join it, `leave_out` names what does not.

    Models that think count what they think: `max_completion_tokens` takes the place of the limit.
    """
    body = {"model": model, "max_tokens": most_tokens, "temperature": temperature}
    if "max_completion_tokens" in (fields or {}):
        del body["max_tokens"]
    left = set(leave_out or ())
    return {key: value for key, value in body.items() if key not in left} | dict(fields or {})


def sentences(answer: str, most_tokens: int) -> str:
    """The answer as one line of at most so many static tokens; "" where nothing of it is of use."""
    return one_line(without_thought(answer), most_tokens)


def without_thought(answer: str) -> str:
    """The answer without what a model thought aloud before it; "" where it did not get further."""
    text = _THOUGHT.sub("", answer, count=1) if "<think>" in answer else answer
    return "" if text.lstrip().startswith("<think>") else text


def one_line(text: str, most_tokens: int) -> str:
    """The text as one line of at most so many static tokens.

    Control characters, marks of direction and quotes around the whole are left out.
    """
    kept = (
        " " if unicodedata.category(char) in _DROPPED else char
        for char in text[: most_tokens * LONGEST_TOKEN]
        if char not in _INVISIBLE
    )
    line = " ".join("".join(kept).split())
    while len(line) > 1 and _QUOTES.get(line[0]) == line[-1]:
        line = line[1:-1].strip()
    return first_tokens(line, most_tokens, static_tokens())
