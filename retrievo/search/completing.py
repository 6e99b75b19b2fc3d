"""Candidates that one branch found, scored by the others too: a branch's depth then cuts nothing.

Without it a row that a branch did not find counts with a floor, and whether it was found hangs on
how deep the branch looked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from retrievo.contracts import Retriever
from retrievo.errors import SearchError, StoreError
from retrievo.search.account import Account
from retrievo.search.turn import Turn
from retrievo.types import Candidates, Query, Rows, Scores


def wholly_scored(
    branches: Mapping[str, Candidates], retrievers: Mapping[str, Retriever], query: Query
) -> dict[str, Candidates]:
    """What `completed` gives, outside of a search. Raises what a retriever raises."""
    return completed(branches, retrievers, [query], Turn(), Account(warnings=[[]], strict=True), 0)


def completed(
    branches: Mapping[str, Candidates],
    retrievers: Mapping[str, Retriever],
    queries: Sequence[Query],
    turn: Turn,
    account: Account,
    i: int,
    foreign: Callable[[], bool] = bool,
) -> dict[str, Candidates]:
    """The branches' candidates, each followed by what only others found, in the order of rows.

    `queries` are the forms of one query. A branch that cannot score rows stays as it is, and so
    does one that found all that match: what it lacks has no score with it. Raises the store's error
    where it is for rows that another branch has made up, which `foreign` tells.
    """
    whole = dict(branches)
    missing, calls = {}, {}
    for name, found in branches.items():
        score = getattr(retrievers[name], "score", None)
        if score is None or name in account.failed or found.exhaustive:
            continue
        missing[name] = _missing(name, branches)
        if len(missing[name]):
            calls[name] = account.timing(name, score, queries, missing[name])
    for name, outcome in turn.outcomes(calls).items():
        try:
            if isinstance(outcome, Exception):
                raise outcome
            scores = _best(name, outcome, queries, missing[name])
        except Exception as error:  # a plugin's code may raise anything
            if isinstance(error, StoreError) and foreign():
                raise  # it is not this branch that is wrong
            account.gone_on(i, f"scoring by {name}", error, "what others found has its floor")
            continue
        whole[name] = _with(branches[name], missing[name], scores)
    return whole


def _missing(name: str, branches: Mapping[str, Candidates]) -> Rows:
    """The rows that only others have found, ascending. Sets: numpy's take longer for so few."""
    others = {
        row for other, found in branches.items() if other != name for row in found.rows.tolist()
    }
    return np.array(sorted(others.difference(branches[name].rows.tolist())), np.int64)


def _best(name: str, scored: Sequence[Scores], queries: Sequence[Query], rows: Rows) -> Scores:
    """Each row's best score of the query's forms, which are weighted as in a search."""
    every = np.asarray(scored, np.float32)
    if every.shape != (len(queries), len(rows)) or not np.isfinite(every).all():
        raise SearchError(
            f"the retriever {name} scored {len(rows)} rows for {len(queries)} queries with an "
            f"array of {every.shape}, or with what is no number"
        )
    if len(queries) == 1 and queries[0].weight == 1.0:
        alone: Scores = every[0]
        return alone
    weights = np.array([query.weight for query in queries], np.float32)
    best: Scores = (every * weights[:, None]).max(axis=0)
    return best


def _with(found: Candidates, rows: Rows, scores: Scores) -> Candidates:
    return replace(
        found,
        rows=np.concatenate([found.rows, rows]),
        scores=np.concatenate([found.scores, scores]),
        found=len(found),
        scored_by=None
        if found.scored_by is None
        else [*found.scored_by, *["scored afterwards"] * len(rows)],
    )
