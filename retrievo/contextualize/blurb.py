"""Contexts that a language model writes of the whole document."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from retrievo.arguments import check_whole
from retrievo.contextualize.estimate import Estimate
from retrievo.contextualize.fitting import Fitting
from retrievo.contextualize.prompt import INSTRUCTIONS, Request, Shown
from retrievo.contracts import Encoder
from retrievo.encode.remote.client import Client
from retrievo.encode.remote.connection import connection_to
from retrievo.errors import ConfigError
from retrievo.llm.answer_file import AnswerFile
from retrievo.llm.asking import Asking
from retrievo.llm.chat import OPENAI, sentences, settings
from retrievo.telling import Counted, tell
from retrievo.types import Chunk, Document, content_hash

FORMAT = 1
"""Counts up when another request or another context is made of the same chunk and parameters."""


class BlurbContextualizer:
    """One or two sentences before each chunk that a chat model writes of the whole document.

    Anthropic's "Contextual Retrieval" (2024). The chunker's own context stays before the blurb. A
    document that is one chunk is not asked about. `base_url` is any service that speaks OpenAI's
    chat format; OPENAI_API_KEY goes to OpenAI's own alone. A document of more than
    `document_tokens` is shown in part: its beginning, and what is around the chunk.

    Blurbs are kept in `cache` under all that was asked, and are paid for once. A chunk that gets
    none keeps its plain context; its document is taken up again by the next run. After three
    requests in a row that failed no more are sent in the run. `max_calls` and `max_cost` (by
    `price_per_million`, of input and output tokens) refuse a run that would take more.

    `fields` join the request, `leave_out` names keys that a model does not take ("temperature").
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str = OPENAI,
        api_key: str | None = None,
        instructions: str | None = None,
        document_tokens: int = 6_000,
        blurb_tokens: int = 100,
        temperature: float = 0.0,
        fields: dict[str, Any] | None = None,
        leave_out: list[str] | None = None,
        price_per_million: dict[str, float] | None = None,
        max_calls: int | None = None,
        max_cost: float | None = None,
        concurrency: int = 4,
        retries: int = 3,
        backoff_s: float = 0.5,
        timeout_s: float = 60.0,
        deadline_s: float = 180.0,
        verify: bool | str | Path = True,
        headers: dict[str, str] | None = None,
        cache: str | Path | None = "auto",
        encoder: Encoder | None = None,
    ) -> None:
        if not model:
            raise ConfigError("blurb wants the name of a model")
        check_whole("document_tokens", document_tokens, 256)
        check_whole("blurb_tokens", blurb_tokens, 8)
        check_whole("concurrency", concurrency, 1)
        if max_calls is not None:
            check_whole("max_calls", max_calls, 0)
        self._prices = _prices(price_per_million)
        if max_cost is not None and self._prices is None:
            raise ConfigError("max_cost wants price_per_million = {input = …, output = …}")
        connection = connection_to(
            "blurb", base_url, OPENAI, "OPENAI_API_KEY", api_key, headers, retries=retries,
            backoff_s=backoff_s, timeout_s=timeout_s, deadline_s=deadline_s, verify=verify,
            table="contextualizer",
        )  # fmt: skip
        self.cache = AnswerFile(cache)
        """Blurbs that were paid for before."""
        self.incomplete = False
        """Whether a chunk of the call before got no blurb."""
        self._model, self._instructions = model, instructions or INSTRUCTIONS
        self._document_tokens, self._blurb_tokens = document_tokens, blurb_tokens
        self._max_calls, self._max_cost = max_calls, max_cost
        self._body = settings(model, blurb_tokens, temperature, fields, leave_out)
        self._client = Client(connection, answers="chat completion")
        self._asking = Asking(self._client, concurrency)
        self._fitting = Fitting(encoder)
        self._planned = Estimate()

    def __repr__(self) -> str:
        return f"BlurbContextualizer({self._client.who}, model={self._model!r})"

    def parameters(self) -> dict[str, Any]:
        """What a passport keeps: with other values chunks get other contexts."""
        return {
            "name": "blurb",
            "model": self._model,
            "document_tokens": self._document_tokens,
            "blurb_tokens": self._blurb_tokens,
            "asked": content_hash(self._instructions, json.dumps(self._body, sort_keys=True)),
            "format": FORMAT,
        }

    @property
    def used(self) -> Estimate:
        """Requests that were answered, and the tokens that the service says it has counted."""
        asking = self._asking
        cost = self._cost(asking.input_tokens, asking.output_tokens)
        return Estimate(asking.answered, 0, asking.input_tokens, asking.output_tokens, cost)

    @property
    def limited(self) -> bool:
        """Whether a run may be refused for what it would cost."""
        return self._max_calls is not None or self._max_cost is not None

    def begin(self) -> None:
        """Count anew, and ask a service again that did not answer in the run before."""
        self._planned = Estimate()
        self._asking.begin()

    def check(self, estimate: Estimate) -> None:
        """Raise ConfigError where a run of that cost takes more than it may."""
        told = f"this run takes {estimate}"
        out = "raise it in [contextualizer], or index fewer documents at once"
        if self._max_calls is not None and estimate.calls > self._max_calls:
            raise ConfigError(f"{told}; max_calls is {self._max_calls:,}: {out}")
        if self._max_cost is not None and (estimate.cost or 0) > self._max_cost:
            raise ConfigError(f"{told}; max_cost is {self._max_cost:g}: {out}")

    def estimate(self, items: Iterable[tuple[Document, Sequence[Chunk]]]) -> Estimate:
        """What the blurbs of documents with their chunks would cost; sends nothing."""
        return sum((self.plan(document, chunks)[1] for document, chunks in items), Estimate())

    def plan(self, document: Document, chunks: Sequence[Chunk]) -> tuple[list[Chunk], Estimate]:
        """The chunks with the blurbs that are kept, and what the others would cost."""
        asked = self._requests(document, chunks)
        known = self._known(asked)
        made, _ = self._written(chunks, known)
        return made, self._costs(asked, known)

    def contextualize(self, document: Document, chunks: Sequence[Chunk]) -> list[Chunk]:
        """The chunks, each with its blurb behind its own context where it got one.

        Warnings count what has none, what was cut, and documents that were shown in part. Raises
        ConfigError where the run has come to its limit.
        """
        self.incomplete = False
        asked = self._requests(document, chunks, telling=True)
        known = self._known(asked)
        missing = {place: one for place, one in asked.items() if place not in known}
        if missing and not self._asking.given_up:
            self._planned += self._costs(asked, known)
            self.check(self._planned)

            def answered(place: int, text: str) -> None:
                blurb = sentences(text, self._blurb_tokens)
                if blurb:
                    self.cache.write(self._key(missing[place]), blurb)
                    known[place] = blurb

            bodies = {place: self._said(one) for place, one in missing.items()}
            self._asking.ask(bodies, answered)
        without = len(asked) - len(known)
        if without:
            self.incomplete = True
            reason = self._asking.reason or "the model answered nothing of use"
            tell(
                Counted(
                    without,
                    len(asked),
                    "chunks of the documents concerned got no blurb and keep their plain context; "
                    "the next run takes their documents up again",
                ),
                stacklevel=3,
            )
            tell(f"why chunks got no blurb: {reason}", stacklevel=3)
        made, cut = self._written(chunks, known)
        self._fitting.tell_cut(cut, len(chunks))
        return made

    def close(self) -> None:
        """Let go of connections and file; the next use opens them again."""
        self._client.close()
        self.cache.close()

    def _requests(
        self, document: Document, chunks: Sequence[Chunk], *, telling: bool = False
    ) -> dict[int, Request]:
        """What to ask of each chunk that a blurb may help, by its place."""
        places = [place for place, chunk in enumerate(chunks) if chunk.text.strip()]
        if len(places) < 2:
            return {}  # it is all of its document
        shown = Shown(document, self._document_tokens, self._instructions)
        if telling and not shown.whole:
            tell(
                f"documents of more than {self._document_tokens:,} tokens are shown to the model "
                "in part, their beginning and what is around the chunk (document_tokens)",
                stacklevel=4,
            )
        return {place: shown.request(chunks[place]) for place in places}

    def _said(self, request: Request) -> dict[str, Any]:
        return {**self._body, "messages": request.messages}

    def _key(self, request: Request) -> bytes:
        """Of all that is sent: other words of a document are another question."""
        told = json.dumps([FORMAT, self._said(request)], sort_keys=True)
        return blake2b(told.encode(), digest_size=16).digest()

    def _known(self, asked: Mapping[int, Request]) -> dict[int, str]:
        keys = {place: self._key(one) for place, one in asked.items()}
        found = self.cache.read(list(keys.values()))
        return {place: found[key] for place, key in keys.items() if key in found}

    def _costs(self, asked: Mapping[int, Request], known: Mapping[int, str]) -> Estimate:
        tokens_in = sum(one.tokens for place, one in asked.items() if place not in known)
        calls = len(asked) - len(known)
        tokens_out = calls * self._blurb_tokens
        return Estimate(calls, len(known), tokens_in, tokens_out, self._cost(tokens_in, tokens_out))

    def _cost(self, tokens_in: int, tokens_out: int) -> float | None:
        if self._prices is None:
            return None
        return (tokens_in * self._prices[0] + tokens_out * self._prices[1]) / 1e6

    def _written(
        self, chunks: Sequence[Chunk], blurbs: Mapping[int, str]
    ) -> tuple[list[Chunk], int]:
        """The chunks with their blurbs, and how many of these had to be cut."""
        made, cut = list(chunks), 0
        for place, blurb in blurbs.items():
            chunk = chunks[place]
            context = f"{chunk.context}\n{blurb}" if chunk.context else blurb
            fitted = self._fitting.fit(context, chunk.text)
            cut += fitted != context
            made[place] = replace(chunk, context=fitted)
        return made, cut


def _prices(given: Mapping[str, float] | None) -> tuple[float, float] | None:
    if given is None:
        return None
    if given.keys() != {"input", "output"} or min(given.values()) < 0:
        raise ConfigError(
            f"price_per_million is {dict(given)!r}; the prices of a million tokens are wanted, as "
            "in {input = 0.15, output = 0.6}"
        )
    return float(given["input"]), float(given["output"])
