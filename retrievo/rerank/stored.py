"""Whether the index keeps what a reranker wants to compare, so that nothing is encoded again."""

from retrievo.contracts import Store
from retrievo.errors import SearchError, StoreError


def keeps(store: Store | None, representation: str, kind: str, who: str) -> bool:
    """Whether the store has a representation of that name and kind.

    Raises SearchError where it is not open, as one is that belongs to no pipeline.
    """
    if store is None:
        return False
    try:
        passport = store.passport()
    except StoreError as error:
        raise SearchError(
            f"{who} was made with a store that cannot be asked ({error}); make it with the "
            "pipeline's own: store=pipeline.store, or with store=None"
        ) from error
    space = None if passport is None else passport.representations.get(representation)
    return space is not None and space.kind == kind
