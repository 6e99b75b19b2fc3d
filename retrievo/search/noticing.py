"""What a search notices of its own question: text that no vector holds, keys that nothing has."""

from collections.abc import Sequence

from retrievo.contracts import Store
from retrievo.filters import Filter, unscoped
from retrievo.host.nearest import hint
from retrievo.search.account import Account
from retrievo.tokens import without_surrogates
from retrievo.truncation import Truncation, worst_by_text
from retrievo.types import Query


def tell_cut(
    cut: Sequence[Truncation],
    queries: Sequence[Sequence[Query]],
    asked: Sequence[int],
    account: Account,
) -> None:
    """Say of each query that an encoder did not read it to its end."""
    worst = worst_by_text(cut)
    for i, part in zip(asked, queries, strict=True) if worst else ():
        found = [worst.get(q.text) or worst.get(without_surrogates(q.text)) for q in part]
        for entry in filter(None, found):
            account.warnings[i].append(
                f"the query has {entry.tokens_total:,} tokens, its vector holds "
                f"{entry.tokens_seen:,}: the rest of it counts for nothing in a dense search; "
                "ask for less at once"
            )


def unknown_keys(store: Store, filters: Filter) -> list[str]:
    """A sentence for each key of the filters that no document has, where the store can tell."""
    missing = getattr(store, "missing_keys", None)
    keys = missing(filters) if missing else []
    if not keys:
        return []
    known_keys = getattr(store, "known_keys", None)
    known = known_keys(unscoped(filters)[0]) if known_keys else ()
    return [f"no document has the metadata key {key!r}{hint(key, known)}" for key in keys]
