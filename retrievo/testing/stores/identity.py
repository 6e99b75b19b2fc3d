"""Ids and texts of any kind: what differs for Python differs for the store."""

import unicodedata

import pytest

from retrievo.testing.stores.hooks import Held, StoreHooks
from retrievo.testing.stores.samples import batch_of, chunks_of, cut
from retrievo.types import Document

LONG = "x" * 4999
IDS = {
    "quotes": ["a'b\"c", "a\\b", "a'b''c", "%", "_", "a%b"],
    "case": ["id", "ID", "Id", "\u0131d", "stra\u00dfe", "strasse", "STRASSE"],
    "spaces": [" ", "  ", "a", " a", "a ", "a\t", "line\nbreak", "line\r\nbreak", "\u00a0"],
    "words": ["NULL", "None", "true", "nan", "0", "00", "-1", "1e3", "1000"],
    "normal forms": ["\u00e9", "e\u0301", "\u212b", "\u00c5", "A\u030a", "\ufb01", "fi"],
    "long": [f"{LONG}a", f"{LONG}b", LONG, "x" * 255, "x" * 256, "x" * 65_536],
    "controls": ["a\x00b", "a\x00c", "a", "\x00", "\x7f", "\ufeffa", "a\u200b"],
    "wide": ["\u2603/\U0001f600", "\U0001f600", "日本語", "שלום", "a\u202eb"],
}
TEXTS = [
    "a \x00 NUL",
    "half \ud83d an emoji \ude00",
    "\U0001f469\u200d\U0001f467 joined",
    "e\u0301 and \u00e9",
    "\r\n line ends \r\u2028\u0085",
    " edges ",
    "long " * 40_000,
    "",
]


class Identity(StoreHooks):
    @pytest.mark.parametrize("kind", IDS)
    def test_ids_that_differ_are_different_documents(self, held: Held, kind: str) -> None:
        names = IDS[kind]
        docs = [Document(name, f"text of number {i}") for i, name in enumerate(names)]
        held.write(batch_of(cut(docs, 2), held.spaces))
        held.check()
        held.write(batch_of(cut([Document(names[0], "edited")]), held.spaces, seed=2))
        held.delete(names[-1])
        held.check()

    def test_texts_come_back_as_they_were(self, held: Held) -> None:
        docs = [Document(f"d{i}", text, {"text": text}) for i, text in enumerate(TEXTS)]
        held.write(batch_of([(doc, chunks_of(doc)) for doc in docs], held.spaces))
        held.check()

    def test_titles_and_contexts_of_any_kind(self, held: Held) -> None:
        docs = [Document(f"d{i}", "one two three", {}, text[:500]) for i, text in enumerate(TEXTS)]
        held.write(batch_of(cut(docs, 2), held.spaces))
        held.check()

    def test_fingerprints_of_any_kind(self, held: Held) -> None:
        doc = Document("d", "text")
        for fingerprint in ("", "é", "x" * 1000, "0"):
            held.write(batch_of(cut([doc]), held.spaces, fingerprint=fingerprint))
            held.check()

    def test_the_ids_are_what_they_are_said_to_be(self) -> None:
        """The samples hold pairs that normalising, folding or cutting would join."""
        assert len({unicodedata.normalize("NFC", name) for name in IDS["normal forms"]}) < 7
        assert len({name.casefold() for name in IDS["case"]}) < 7
        assert len({name[:255] for name in IDS["long"]}) == 1
