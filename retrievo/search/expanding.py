"""The forms of each query that an expander makes, and the plain query where it cannot."""

from collections.abc import Sequence

import numpy as np

from retrievo.contracts import Expander, FirstPass
from retrievo.errors import SearchError
from retrievo.search.account import Account
from retrievo.search.turn import Turn
from retrievo.types import Query

SHARE = 0.5
"""Of the time of a search: an expander that hangs must leave some for the plain query."""


def expanded(
    expander: Expander,
    texts: Sequence[str],
    asked: Sequence[int],
    first_pass: FirstPass,
    turn: Turn,
    account: Account,
) -> list[list[Query]]:
    """For each text its forms. `asked` are the texts' places in the account."""
    if hasattr(expander, "expand_found"):
        find = turn.method(expander, "expand_found")
        calls = {
            str(i): (lambda t=text: find(Query(t), first_pass)) for i, text in enumerate(texts)
        }
    else:
        expand = turn.method(expander, "expand")
        calls = {str(i): (lambda t=text: expand(t)) for i, text in enumerate(texts)}
    forms = []
    for (place, outcome), text, i in zip(
        turn.outcomes(calls, share=SHARE).items(), texts, asked, strict=True
    ):
        del place
        try:
            if isinstance(outcome, Exception):
                raise outcome
            forms.append(_checked(expander, outcome))
        except Exception as error:  # a plugin's code may raise anything
            account.gone_on(i, "the expander", error, "the query is searched for as it is")
            forms.append([Query(text)])
    return forms


def _checked(expander: Expander, forms: object) -> list[Query]:
    name = type(expander).__name__
    good = isinstance(forms, list) and all(isinstance(form, Query) for form in forms)
    if not good or not forms:
        raise SearchError(f"the expander {name} gave no list of queries")
    found: list[Query] = forms  # type: ignore[assignment]
    for form in found:
        if not isinstance(form.text, str) or not np.isfinite(form.weight) or form.weight < 0:
            raise SearchError(
                f"the expander {name} gave a query with the text {str(form.text)[:80]!r} and the "
                f"weight {form.weight!r}; a text and a number from 0 up are wanted"
            )
    return found
