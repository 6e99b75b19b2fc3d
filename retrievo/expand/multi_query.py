"""Several forms of one query, as a model writes them."""

import json
import re
from pathlib import Path
from typing import Any

from retrievo.arguments import check_number, check_whole
from retrievo.errors import SearchError
from retrievo.expand.writing import Writing
from retrievo.llm.chat import OPENAI, one_line
from retrievo.types import Query

PROMPT = (
    "You help a search engine. Write {n} other forms of the query below that may find what it is "
    "after: other words for the same, or a part of it. Keep names, numbers and the language. "
    "Answer with the {n} forms alone, each on a line of its own.\nQuery: {query}"
)

_TOKENS_A_LINE = 64
_LINES = 20
"""Lines that are looked at for each form that is wanted."""

_BULLET = re.compile(r"\s*(?:[-*•–]\s+|\(?\d{1,3}[.):]\s*)")


class MultiQueryExpander:
    """The query itself, with the weight 1, and `forms` others that a model writes, with `weight`.

    A chunk has the best of the scores that some form gave it, times that form's weight. `prompt`
    takes the place of the built-in text, holds {query}, and may hold {n}. Lines that say the same
    as another, or introduce the others, are left out, numbers and bullets before them too; a JSON
    list is taken as well.

    `base_url` is any service that speaks OpenAI's chat format; OPENAI_API_KEY goes to OpenAI's own
    alone. Answers are kept in `cache`: "memory", the path of a file, or "off". Each new query waits
    for the model; SearchError is raised where it does not answer within `deadline_s`.
    """

    def __init__(
        self,
        model: str,
        *,
        forms: int = 3,
        weight: float = 0.7,
        prompt: str | None = None,
        temperature: float = 0.0,
        base_url: str = OPENAI,
        api_key: str | None = None,
        fields: dict[str, Any] | None = None,
        leave_out: list[str] | None = None,
        retries: int = 1,
        backoff_s: float = 0.5,
        timeout_s: float = 10.0,
        deadline_s: float = 15.0,
        verify: bool | str | Path = True,
        headers: dict[str, str] | None = None,
        cache: str | Path | None = "memory",
    ) -> None:
        check_whole("forms", forms, 1)
        check_number("weight", weight, most=1.0, above=True)
        check_number("temperature", temperature)
        self._forms, self._weight = forms, weight
        self._writing = Writing(
            "multi-query", model, PROMPT if prompt is None else prompt, {"n": str(forms)},
            most_tokens=forms * _TOKENS_A_LINE, temperature=temperature, fields=fields,
            leave_out=leave_out, base_url=base_url, cache=cache, api_key=api_key, headers=headers,
            retries=retries, backoff_s=backoff_s, timeout_s=timeout_s, deadline_s=deadline_s,
            verify=verify,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"MultiQueryExpander({self._writing.at})"

    def expand(self, query: str) -> list[Query]:
        """The query and its other forms. Raises SearchError where no form came."""
        if not query.strip():
            return [Query(query)]
        [answer] = self._writing.answers(query)
        forms = forms_in(answer, self._forms, beside=query)
        if not forms:
            raise SearchError(
                "multi-query cannot expand the query: the model wrote no other form of it"
            )
        return [Query(query), *(Query(form, self._weight) for form in forms)]

    def close(self) -> None:
        """Let go of connections and file; the next use opens them again."""
        self._writing.close()


def forms_in(answer: str, most: int, *, beside: str) -> list[str]:
    """The first `most` lines of an answer that are forms of a query, each once."""
    seen, found = {_plain(beside), ""}, []
    for line in _lines(answer)[: most * _LINES]:
        form = one_line(
            _BULLET.sub("", line, count=1) if _BULLET.match(line) else line, _TOKENS_A_LINE
        )
        if _plain(form) in seen or form.endswith(":") or form.startswith("```"):
            continue
        seen.add(_plain(form))
        found.append(form)
        if len(found) == most:
            break
    return found


def _lines(text: str) -> list[str]:
    """The lines, or the texts of a JSON list."""
    begin, end = text.find("["), text.rfind("]")
    if 0 <= begin < end and not text[:begin].strip("`json \n\r\t"):
        try:
            told = json.loads(text[begin : end + 1])
        except (ValueError, RecursionError):
            return text.splitlines()
        if isinstance(told, list) and told and all(isinstance(one, str) for one in told):
            return told
    return text.splitlines()


def _plain(form: str) -> str:
    return " ".join(re.findall(r"\w+", form.casefold()))
