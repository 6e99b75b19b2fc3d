"""Texts as an encoder is handed them, looked at before anything is computed."""

from collections.abc import Iterable


def as_texts(texts: Iterable[str]) -> list[str]:
    """The texts as a list of their own; an iterator is read to its end.

    Raises TypeError for a single str, of which each letter would be encoded, and for what is no
    str, with its position, counted from 0.
    """
    if isinstance(texts, (str, bytes)):
        raise TypeError(
            f"texts is a {type(texts).__name__}; a list of str is wanted, [text] for a single text"
        )
    given = list(texts)
    for position, text in enumerate(given):
        if not isinstance(text, str):
            raise TypeError(
                f"the text at position {position} is a {type(text).__name__}; a str is wanted"
            )
    return given
