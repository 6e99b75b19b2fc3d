"""Small tokenizers whose counts can be worked out by hand."""

import re

import numpy as np


class Words:
    """One token a word and one a punctuation mark: counts are the same in and out of a text."""

    def token_spans(self, text):
        return spans(re.finditer(r"\w+|[^\w\s]", text))


class SpaceMatters:
    """A word after a space is one token, else one each three letters; "." and line break are one.

    Byte-level vocabularies do both: a slice counts otherwise than its share of the whole.
    """

    def token_spans(self, text):
        return spans(re.finditer(r" \w+|\w{1,3}|[^\w\s]+[\r\n]*|\s(?!\w)|\s", text))


class Characters:
    """One token a character, white space too."""

    def token_spans(self, text):
        return spans(re.finditer(r"(?s).", text))


def spans(found):
    return np.array([match.span() for match in found], dtype=np.int32).reshape(-1, 2)
