"""Which texts go into one request."""

from collections.abc import Sequence

BYTES_A_TOKEN = 3
"""Of UTF-8, for the count of a request's tokens without the model's tokenizer.

English has about four a token, so that the count is somewhat high; as no tokenizer makes more than
one token of a byte, a request can never hold more than three times what was counted.
"""


def counted(text: str) -> int:
    """The tokens that a text is counted as where requests are filled."""
    return -(-len(text.encode("utf-8")) // BYTES_A_TOKEN)


def batches(texts: Sequence[str], *, items: int, tokens: int) -> list[list[int]]:
    """Places of the texts, in order, in batches of at most `items` texts and `tokens` tokens.

    A text that is longer than that alone goes alone.
    """
    made: list[list[int]] = []
    size = 0
    for place, text in enumerate(texts):
        count = counted(text)
        if not made or len(made[-1]) >= items or size + count > tokens:
            made.append([])
            size = 0
        made[-1].append(place)
        size += count
    return made
