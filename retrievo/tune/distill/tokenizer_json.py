"""The tokenizer that a static student takes: its teacher's own, else the static encoder's."""

import json
from typing import Any

from tokenizers import Tokenizer

from retrievo.encode.static_tokens import TOKENIZER_FILE, wordllama_file


def tokenizer_json(encoder: Any) -> str:
    """The fast tokenizer of a transformer, as its library writes it, with nothing that cuts, pads
    or adds special tokens.

    An encoder with no such tokenizer (a service, a static model) gets WordLlama's, in lower case.
    """
    tokenizer = getattr(getattr(encoder, "model", None), "tokenizer", None)
    fast = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if isinstance(fast, Tokenizer):
        told = json.loads(fast.to_str())
    else:
        told = json.loads(wordllama_file(TOKENIZER_FILE).read_text(encoding="utf-8"))
        # The vocabulary is cased, its vectors were made for lower case.
        told["normalizer"]["normalizers"].insert(0, {"type": "Lowercase"})
    told.update(truncation=None, padding=None, post_processor=None)
    return json.dumps(told, ensure_ascii=False)
