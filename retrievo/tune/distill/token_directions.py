"""What tokens mean before any document is seen: WordLlama's vectors of their letters."""

import numpy as np
from tokenizers import Tokenizer

from retrievo.encode.static import _mapped_table
from retrievo.encode.static_tokens import WEIGHTS_FILE, static_tokens, wordllama_file
from retrievo.types import Vectors

# How a token in the middle of a word, or after a space, is marked by the common vocabularies.
_MARKS = ("##", "▁", "Ġ", "</w>")


def token_directions(tokenizer_json: str, vocabulary: int) -> Vectors:
    """float32[vocabulary, 256], unit length; zero for a token of no letters.

    Tokens that mean alike point alike, whatever tokenizer they are of: what documents say of one
    then also moves those that few documents have, or none.
    """
    table = _mapped_table(wordllama_file(WEIGHTS_FILE))
    made = np.zeros((vocabulary, table.shape[1]), np.float32)
    ids = static_tokens().ids
    entries = Tokenizer.from_str(tokenizer_json).get_vocab(with_added_tokens=True)
    for entry, token in entries.items():
        for mark in _MARKS:
            entry = entry.replace(mark, "")
        if found := ids(entry.lower()):
            made[token] = table[found].astype(np.float32).mean(axis=0)
    lengths = np.linalg.norm(made, axis=1, keepdims=True)
    lengths[lengths == 0] = 1.0
    made /= lengths
    return made
