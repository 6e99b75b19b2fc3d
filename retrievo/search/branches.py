"""The branches of a search: what each prepares and finds, and what is told of those that fail."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from retrievo.contracts import Ask, Retriever, Store
from retrievo.errors import SearchError, StoreError
from retrievo.filters import Filter
from retrievo.search.account import Account
from retrievo.search.turn import Turn
from retrievo.types import Candidates, Query

DEPTH = 100
"""How many candidates a branch looks at that does not say otherwise."""

PREPARE_SHARE = 0.5
SEARCH_SHARE = 0.9
"""Of the time that is left: an encoder that hangs must leave some to the branches that need none,
and a branch that hangs some to what is done with the answers of the others."""

Answers = dict[str, list[Candidates]]


class Branches:
    """The retrievers of a pipeline, asked together. Keeps no state between calls."""

    def __init__(self, store: Store, retrievers: Mapping[str, Retriever]) -> None:
        self._store = store
        self.retrievers = retrievers

    def prepare(
        self, queries: Sequence[Query], filters: Filter | None, turn: Turn, account: Account
    ) -> None:
        """Have each branch encode the queries; one that cannot is out of this search."""
        calls: dict[str, Callable[[], Any]] = {}
        for name, retriever in self.retrievers.items():
            prepare = getattr(retriever, "prepare", None)
            if prepare is not None and queries:
                calls[name] = account.timing(name, prepare, queries, filters)
        for name, outcome in turn.outcomes(calls, share=PREPARE_SHARE).items():
            if isinstance(outcome, Exception):
                account.out(name, outcome)

    def search(
        self,
        queries: Sequence[Query],
        depth: int,
        filters: Filter | None,
        turn: Turn,
        account: Account,
    ) -> Answers:
        """What each branch found for each query; nothing, where a branch is out of this search.

        Raises the first branch's error where all are.
        """
        deep = {
            name: max(depth, getattr(retriever, "depth", DEPTH))
            for name, retriever in self.retrievers.items()
        }
        asked = {name: r for name, r in self.retrievers.items() if name not in account.failed}
        together = "together" in self._store.capabilities and all(
            hasattr(retriever, "ask") for retriever in asked.values()
        )
        if together and asked:
            found = self._together(asked, queries, deep, filters, turn, account)
        else:
            found = turn.outcomes(
                {
                    name: account.timing(
                        name, turn.method(retriever, "search"), queries, deep[name], filters
                    )
                    for name, retriever in asked.items()
                },
                share=SEARCH_SHARE,
            )
        answers: Answers = {}
        for name, outcome in found.items():
            if not isinstance(outcome, Exception):
                try:
                    outcome = [
                        _checked(name, one, account) for one in _as_many(name, outcome, queries)
                    ]
                except SearchError as error:
                    outcome = error
            if isinstance(outcome, Exception):
                account.out(name, outcome)
            else:
                answers[name] = outcome
        if not answers:
            raise next(iter(account.failed.values()))
        # A fusion's weights name the branches: one that is out has found nothing.
        return {
            name: answers.get(name) or [_nothing() for _ in queries] for name in self.retrievers
        }

    def _together(
        self,
        asked: Mapping[str, Retriever],
        queries: Sequence[Query],
        deep: Mapping[str, int],
        filters: Filter | None,
        turn: Turn,
        account: Account,
    ) -> dict[str, Any]:
        """What the branches found in one request to a store that is far away."""

        def request() -> dict[str, Any]:
            given: dict[str, Ask] = {}
            failed: dict[str, Any] = {}
            for name, retriever in asked.items():
                ask = getattr(retriever, "ask")  # noqa: B009  # optional in the contract
                outcome = turn.here(ask, queries)
                (failed if isinstance(outcome, Exception) else given)[name] = outcome
            wanted = [(ask.representation, ask.rows, deep[name]) for name, ask in given.items()]
            found = self._store.search_together(wanted, filters) if wanted else []
            parts = zip(given.items(), found, strict=True)
            return failed | {name: turn.here(ask.finish, one) for (name, ask), one in parts}

        outcome = turn.outcome("the store", account.timing("retrieve", request))
        if isinstance(outcome, Exception):
            return dict.fromkeys(asked, outcome)
        found: dict[str, Any] = outcome
        return found


def strangers(store: Store, answers: Answers) -> list[str]:
    """The branches that gave rows which are not in the store."""
    found = []
    for name, lists in answers.items():
        try:
            store.tenants(np.concatenate([np.empty(0, np.int64), *(one.rows for one in lists)]))
        except StoreError:
            found.append(name)
    return found


def _as_many(name: str, found: object, queries: Sequence[Query]) -> Sequence[Candidates]:
    good = isinstance(found, Sequence) and all(isinstance(one, Candidates) for one in found)
    if not good or len(found) != len(queries):  # type: ignore[arg-type]
        raise SearchError(
            f"the retriever {name} gave no list of Candidates with one for each of "
            f"{len(queries)} queries"
        )
    return found  # type: ignore[return-value]


def _checked(name: str, found: Candidates, account: Account) -> Candidates:
    """The candidates without those whose score is no number. Raises SearchError for no rows."""
    rows, scores = found.rows, found.scores
    if not isinstance(rows, np.ndarray) or not isinstance(scores, np.ndarray):
        raise SearchError(f"the retriever {name} gave candidates that are no arrays")
    if rows.ndim != 1 or rows.shape != scores.shape:
        raise SearchError(
            f"the retriever {name} gave rows of shape {rows.shape} and scores of {scores.shape}"
        )
    if rows.dtype.kind not in "iu" or scores.dtype.kind not in "fiu":
        raise SearchError(
            f"the retriever {name} gave rows of type {rows.dtype} and scores of {scores.dtype}; "
            "whole numbers and numbers are wanted"
        )
    if len(set(rows.tolist())) != len(rows):
        raise SearchError(f"the retriever {name} gave a row more than once")
    if rows.dtype != np.int64 or scores.dtype != np.float32:
        rows, scores = rows.astype(np.int64), scores.astype(np.float32)
        found = replace(found, rows=rows, scores=scores)
    good = np.isfinite(scores)
    if good.all():
        return found
    bad = int(len(good) - good.sum())
    if bad == len(good):
        raise SearchError(f"the retriever {name} gave no score that is a number")
    account.tell_all(f"{name} gave {bad} of {len(good)} scores that are no numbers; they are out")
    ways = found.scored_by
    return Candidates(
        rows[good],
        scores[good],
        found.bound,
        False,
        found.weight,
        scored_by=None
        if ways is None
        else [way for way, keep in zip(ways, good, strict=True) if keep],
    )


def _nothing() -> Candidates:
    """Not exhaustive: that the branch found nothing does not mean that nothing matches."""
    return Candidates(np.empty(0, np.int64), np.empty(0, np.float32))
