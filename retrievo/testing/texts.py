"""Texts on which chunkers and encoders of other people have failed."""

from collections.abc import Mapping
from types import MappingProxyType

ZOO: Mapping[str, str] = MappingProxyType(
    {
        "one letter": "a",
        "no spaces": "abcdefghij" * 60,
        "one long word among others": f"before {'x' * 500} after it",
        "Windows lines": "One line.\r\nAnother line.\r\n\r\nA paragraph of three words.\r\n" * 12,
        "old Mac lines": "one line\rand another\r" * 30,
        "blank edges": "\n\n   text with edges \t\n ",
        "NUL and controls": "a\x00b\x01c \x1b[0m d\x7f " * 20,
        "combining marks": "e\u0301a\u0308o\u0302 " * 80,
        "marks without spaces": "e\u0301" * 200,
        "joined emoji": "👩\u200d👩\u200d👧\u200d👦 👍🏽 🇩🇪 " * 30,
        "emoji without spaces": "🙂" * 150,
        "flags and keycaps": "🇩🇪🇫🇷 1\ufe0f\u20e3 🏴\U000e0067\U000e0062\U000e0065\U000e007f " * 20,
        "right to left": "שלום עולם. مرحبا بالعالم. " * 25,
        "no spaces, Chinese": "我們今天去了圖書館，然後讀了一本關於貓的書。" * 20,
        "no spaces, Thai": "ภาษาไทยไม่มีช่องว่าง" * 20,
        "joined letters, Hindi": "नमस्ते दुनिया। यह एक परीक्षा है। क्षत्रिय " * 15,
        "letters in parts, Korean": "\u1112\u1161\u11ab\u1100\u1173\u11af. " * 30,
        "wide spaces": "two\u3000words\u00a0and\u2003more. " * 30,
        "line separators": "one\u2028two\u2029three\x85four\x0cfive\x0b" * 20,
        "zero width": "zero\u200bwidth\u2060joiner\ufeff " * 30,
        "lone surrogates": "half \ud83d an emoji \ude00 here. " * 20,
        "tokenizer's own marks": "<s> </s> [CLS] [SEP] <|endoftext|> ▁word▁ ##ing " * 15,
        "Markdown": "# Title\n\nSome text. More of it.\n\n## Part\n\n- one\n- two\n\n" * 15,
        "code": "def f(x):\n    if x:\n        return {1: 2}\n\n\nclass A:\n    pass\n" * 15,
        "abbreviations": "E.g. Dr. A. B. Smith, i.e. he, etc., came. It was 3.14 p.m. then. " * 15,
        "dots": "." * 700,
        "a table": "| a | b |\n|---|---|\n| 1 | 2 |\n" * 25,
        "runs of spaces": "word" + " " * 300 + "word\n" + "\t" * 200 + "word",
    }
)
