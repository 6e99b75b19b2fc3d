"""What a chat model writes of a query, for the expanders that ask one."""

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from retrievo.contextualize.placeholders import Template
from retrievo.encode.remote.client import Client
from retrievo.encode.remote.connection import connection_to
from retrievo.errors import ConfigError, SearchError
from retrievo.llm.asking import Asking
from retrievo.llm.chat import LONGEST_TOKEN, OPENAI, settings, without_thought
from retrievo.llm.kept import Kept
from retrievo.telling import tell
from retrievo.tokens import without_surrogates

FORMAT = 1
"""Counts up when another request is made of the same query and arguments."""

_SHOWN = 8_000
"""Characters of a query that are shown to a model: beyond lies a document, and a price."""


class Writing:
    """Asks a chat service about queries, `prompt` filled in, and keeps what it answered.

    `placeholders` are filled in beside {query}. Nothing is sent before the first query. Other
    arguments are those of the expander, `who` its name.
    """

    def __init__(
        self,
        who: str,
        model: str,
        prompt: str,
        placeholders: Mapping[str, str],
        *,
        most_tokens: int,
        temperature: float,
        fields: Mapping[str, Any] | None,
        leave_out: list[str] | None,
        base_url: str,
        cache: Any,
        **connection: Any,
    ) -> None:
        if not model:
            raise ConfigError(f"{who} wants the name of a model")
        self._template = Template(prompt, ("query", *placeholders))
        unknown = self._template.names - {"query", *placeholders}
        if unknown or "query" not in self._template.names:
            said = f"has no {{{min(unknown)}}} to fill in" if unknown else "does not hold {query}"
            raise ConfigError(f"the prompt of {who} {said}")
        self._who, self._placeholders = who, placeholders
        self.body = settings(model, most_tokens, temperature, fields, leave_out)
        """What a request holds beside its messages."""
        to = connection_to(who, base_url, OPENAI, "OPENAI_API_KEY", table="expander", **connection)
        self._client = Client(
            to, answers="chat completion", then="Search again when the service answers"
        )
        self._kept = Kept(cache)
        self._longest = most_tokens * LONGEST_TOKEN
        self.at = self._client.who
        """The service and its address."""

    def answers(self, query: str, n: int = 1) -> list[str]:
        """At most n answers to one query, not empty; those kept from before are not asked again.

        Without what the model thought aloud, and cut where it wrote far more than it was to write.
        Raises SearchError, with the first reason, where none came; tells of a part that did not.
        """
        shown = without_surrogates(query)
        if len(shown) > _SHOWN:
            tell(f"{self._who} shows the model the first {_SHOWN:,} characters of the query")
            shown = shown[:_SHOWN]
        said = self._template.fill(lambda name: self._placeholders.get(name, shown))
        body = {**self.body, "messages": [{"role": "user", "content": said}]}
        keys = {i: _key(body, i) for i in range(n)}
        found = {i: kept for i, key in keys.items() if (kept := self._kept.read(key))}

        def answered(i: int, text: str) -> None:
            answer = without_thought(text)[: self._longest].strip()
            if answer:
                self._kept.write(keys[i], answer)
                found[i] = answer

        # Of its own for each query: searches that run at once do not share their failures.
        asking = Asking(self._client, n, first_alone=False)
        asking.ask({i: body for i in keys if i not in found}, answered)
        reason = asking.reason or "the model answered nothing"
        if not found:
            raise SearchError(f"{self._who} cannot expand the query: {reason}")
        if len(found) < n:
            tell(f"{self._who} goes on with {len(found)} of {n} answers: {reason}")
        return [found[i] for i in sorted(found)]

    def close(self) -> None:
        """Let go of connections and file; the next use opens them again."""
        self._client.close()
        self._kept.close()


def _key(body: Mapping[str, Any], i: int) -> bytes:
    """Of all that is sent, and which answer to it this is."""
    told = json.dumps([FORMAT, body, i], sort_keys=True)
    return blake2b(told.encode(), digest_size=16).digest()
