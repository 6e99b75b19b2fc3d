"""Hypothetical documents: a query is searched for beside the answer that a model imagines."""

from pathlib import Path
from typing import Any

from retrievo.arguments import check_number, check_whole
from retrievo.contracts import Encoder, Store
from retrievo.errors import ConfigError, SearchError
from retrievo.expand.moving import check_dim, mixed, query_vector
from retrievo.expand.writing import Writing
from retrievo.llm.chat import OPENAI, one_line
from retrievo.retrieve.vectors import checked_vectors
from retrievo.types import Query

PROMPT = "Please write a passage to answer the question.\nQuestion: {query}\nPassage:"
"""The web search prompt of Gao et al. 2022."""


class HydeExpander:
    """The query with the mean of its own vector and those of passages that a model writes for it.

    HyDE (Gao, Ma, Lin and Callan 2022). The passages are encoded as documents: what they say may be
    wrong, how they say it is near to what is right. The text stays the query's own, for lexical
    branches. `passages` are asked for at once and want a `temperature` above 0 where they are more
    than one; of each at most `passage_tokens` are taken. `prompt` takes the place of the
    built-in text, and holds {query}.

    `base_url` is any service that speaks OpenAI's chat format; OPENAI_API_KEY goes to OpenAI's own
    alone. Answers are kept in `cache`: "memory", the path of a file, or "off". Each new query waits
    for the model; SearchError is raised where it does not answer within `deadline_s`.
    """

    def __init__(
        self,
        model: str,
        encoder: Encoder,
        store: Store,
        *,
        query_encoder: Encoder | None = None,
        passages: int = 1,
        passage_tokens: int = 150,
        prompt: str | None = None,
        temperature: float = 0.0,
        representation: str = "dense",
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
        check_whole("passages", passages, 1)
        check_whole("passage_tokens", passage_tokens, 8)
        check_number("temperature", temperature)
        self._encoder, self._query_encoder = encoder, query_encoder or encoder
        self._store, self._representation = store, representation
        self._passages, self._tokens = passages, passage_tokens
        self._writing = Writing(
            "hyde", model, PROMPT if prompt is None else prompt, {},
            most_tokens=passage_tokens, temperature=temperature, fields=fields,
            leave_out=leave_out, base_url=base_url, cache=cache, api_key=api_key, headers=headers,
            retries=retries, backoff_s=backoff_s, timeout_s=timeout_s, deadline_s=deadline_s,
            verify=verify,
        )  # fmt: skip
        if passages > 1 and self._writing.body.get("temperature") == 0:
            raise ConfigError(
                f"passages is {passages} and temperature 0: a model writes the same passage each "
                "time; set temperature = 0.7, or passages = 1"
            )

    def __repr__(self) -> str:
        return f"HydeExpander({self._writing.at})"

    def expand(self, query: str) -> list[Query]:
        """One query, with a vector. Raises SearchError where no passage came."""
        if not query.strip():
            return [Query(query)]
        if not check_dim(self._store, self._representation, self._encoder.dim, "hyde"):
            raise SearchError(
                f"hyde moves vectors, and this index keeps none as {self._representation!r}; "
                "take [expander] out, or name its `representation`"
            )
        answers = self._writing.answers(query, self._passages)
        passages = [text for answer in answers if (text := one_line(answer, self._tokens))]
        if not passages:
            raise SearchError("hyde cannot expand the query: the model wrote nothing of use")
        made = Query(query)
        own = query_vector(made, self._representation, self._query_encoder)
        n, dim = len(passages), self._encoder.dim
        vectors = checked_vectors(self._encoder, self._encoder.encode_document(passages), n, dim)
        # Gao et al.: the mean over the passages and the query.
        made.vectors[self._representation] = mixed(own, vectors.sum(axis=0), 1.0, 1.0)
        return [made]

    def close(self) -> None:
        """Let go of connections and file; the next use opens them again."""
        self._writing.close()
