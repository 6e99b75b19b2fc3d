import json
import warnings

import numpy as np
import pytest
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from retrievo.encode import static as module
from retrievo.encode.static import StaticEncoder
from retrievo.encode.static_tokens import TOKENIZER_FILE, WEIGHTS_FILE, wordllama_file
from retrievo.errors import ConfigError, EncoderError, RetrievoWarning
from retrievo.testing.encoders import TEXTS, EncoderContract


class TestContract(EncoderContract):
    sides = "alike"

    @pytest.fixture
    def encoder(self):
        return StaticEncoder()

    @pytest.fixture
    def variants(self):
        return {"64 wide": StaticEncoder(truncate_dim=64), "128": StaticEncoder(truncate_dim=128)}

    @pytest.fixture
    def same(self):
        return {"another": StaticEncoder()}


class TestContractNarrow(EncoderContract):
    @pytest.fixture
    def encoder(self):
        return StaticEncoder(truncate_dim=64)


def reference(texts, dim):
    """The published recipe, one text at a time, with the libraries' own readers."""
    table = load_file(str(wordllama_file(WEIGHTS_FILE)))["embedding.weight"].astype(np.float64)
    tokenizer = Tokenizer.from_file(str(wordllama_file(TOKENIZER_FILE)))
    rows = []
    for text in texts:
        ids = tokenizer.encode(text.lower(), add_special_tokens=False).ids
        mean = table[ids, :dim].mean(axis=0)
        rows.append(mean / np.linalg.norm(mean))
    return np.array(rows)


@pytest.mark.parametrize("dim", [64, 128, 256])
def test_equals_the_mean_of_the_token_rows(dim):
    made = StaticEncoder(truncate_dim=dim).encode_document(list(TEXTS))
    assert np.abs(made - reference(TEXTS, dim)).max() < 1e-6
    assert np.abs(np.linalg.norm(made, axis=1) - 1).max() < 1e-6


def test_case_does_not_count():
    loud, quiet = StaticEncoder().encode_query(["ROTATE THE KEY", "rotate the key"])
    assert np.array_equal(loud, quiet)


def test_a_vector_is_the_same_to_the_bit_alone_and_with_either_table(monkeypatch):
    before = StaticEncoder().encode_document(list(TEXTS))
    monkeypatch.setattr(module, "_WIDE_AFTER", 0)
    wide = StaticEncoder()
    after = wide.encode_document(list(TEXTS))
    assert "_wide" in vars(wide)
    assert np.array_equal(before, after)
    alone = [StaticEncoder().encode_query([text])[0] for text in TEXTS]
    assert np.array_equal(before, np.array(alone))


def test_empty_texts_are_counted_in_one_warning():
    with pytest.warns(RetrievoWarning, match="2 of 3 texts are empty") as told:
        vectors = StaticEncoder().encode_document(["", "text", "\n\t"])
    assert len(told) == 1 and told[0].filename == __file__
    assert not vectors[0].any() and not vectors[2].any() and vectors[1].any()


def test_no_warning_without_an_empty_text():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        StaticEncoder().encode_document(["text"])


def test_spans_are_of_the_text_as_written():
    # Lower-casing İ gives two characters: spans of the lower-cased text would be too long.
    text = "İİİ end"
    assert StaticEncoder().token_spans(text).max() == len(text) == 7
    assert StaticEncoder().count(text) == len(StaticEncoder().token_spans(text))


def test_fingerprint_and_identity_tell_the_widths_apart():
    wide, narrow = StaticEncoder(), StaticEncoder(truncate_dim=64)
    assert wide.fingerprint != narrow.fingerprint
    assert wide.fingerprint == StaticEncoder().fingerprint
    assert wide.identity() == {
        "name": "static",
        "model": "wordllama-l2-supercat-256",
        "dim": 256,
        "normalize": True,
        "prompts": {},
        "dtype": "float32",
    }


def test_what_the_default_fusion_and_the_chunker_read():
    encoder = StaticEncoder()
    assert encoder.dense_weight == 0.4 and encoder.special_tokens == 0
    assert encoder.max_tokens is None and encoder.tokenizer_name == "static"


@pytest.mark.parametrize("dim", [0, 100, 512, "64"])
def test_another_width_is_refused(dim):
    with pytest.raises(ConfigError, match="64, 128 or 256 is wanted"):
        StaticEncoder(truncate_dim=dim)


def test_a_table_of_another_shape_is_refused(tmp_path, monkeypatch):
    header = {"embedding.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}
    data = json.dumps(header).encode()
    path = tmp_path / "weights.safetensors"
    path.write_bytes(len(data).to_bytes(8, "little") + data + bytes(16))
    monkeypatch.setattr(module, "wordllama_file", lambda name: path)
    with pytest.raises(EncoderError, match=r"F32\[2, 2\] as embedding.weight"):
        StaticEncoder().encode_query(["text"])
