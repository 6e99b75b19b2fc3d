"""What encoders recorded while a batch was represented, put onto its chunks."""

from collections.abc import Iterable

from retrievo.contracts import Encoder
from retrievo.ingest.changes import Changed
from retrievo.telling import Counted, tell
from retrievo.tokens import without_surrogates
from retrievo.truncation import Truncation, worst_by_text

_STRANGE = (
    "tokens of texts that are no chunk's own are in no vector: a retriever gave an encoder other "
    "texts than those of the chunks, so that no chunk can be named"
)


class Accounting:
    """Gives each chunk the account of its text; where several encoders cut it, of the worst one."""

    def __init__(self, encoder: Encoder | None) -> None:
        self._room = _unrecorded_room(encoder)

    def account(self, changed: Changed, entries: Iterable[Truncation]) -> None:
        """Mark the batch's chunks; what belongs to none of them is told."""
        cut = worst_by_text(entries)
        changed.account(cut)
        if cut:
            self._room = None  # it does record
            texts = {chunk.indexed_text for _, chunks in changed.fresh for chunk in chunks}
            texts |= {without_surrogates(text) for text in texts if not text.isascii()}
            strange = [entry for text, entry in cut.items() if text not in texts]
            if strange:
                lost = sum(entry.tokens_lost for entry in strange)
                tell(Counted(lost, sum(entry.tokens_total for entry in strange), _STRANGE))
        elif self._room is not None:
            self._suspect(changed, self._room)

    def _suspect(self, changed: Changed, room: int) -> None:
        counts = [chunk.token_count for _, chunks in changed.fresh for chunk in chunks]
        long = sum(count > room for count in counts)
        if long:
            what = (
                f"chunks have more tokens, as the chunker counts them, than the {room} that the "
                "encoder reads, and it does not tell what it cuts (retrievo.truncation.record)"
            )
            tell(Counted(long, len(counts), what))


def _unrecorded_room(encoder: Encoder | None) -> int | None:
    """How many tokens of a text an encoder reads that does not record what it cuts, else None.

    One that has `on_truncate` records it, and one without `max_tokens` cuts nothing.
    """
    limit = None if encoder is None else encoder.max_tokens
    if limit is None or hasattr(encoder, "on_truncate"):
        return None
    return limit - int(getattr(encoder, "special_tokens", 0))
