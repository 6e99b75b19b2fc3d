"""Grouped distances and stretched angles against distances that are written out."""

import copy
import math

import numpy as np
import pytest

pytest.importorskip("sentence_transformers", reason="needs the extra models")

import torch
from tiny_transformers import tiny

from retrievo.encode.extension.attention import (
    Grouping,
    grouping_for,
    self_extend,
    sharpness,
)
from retrievo.encode.extension.positions import grouped, interpolated_table, recurrent
from retrievo.encode.extension.rotary import base_factor, slower
from retrievo.encode.sentence import SentenceEncoder

# From the first of ten tokens, near 4 and group 2: the worked example of LongEmbed.
FROM_FIRST = [0, 1, 2, 3, 4, 4, 5, 5, 6, 6]


def distances(n, near, group):
    """int[n, n]: how far j is from i, to the left positive, as Self-Extend counts it."""
    made = np.zeros((n, n), int)
    for i in range(n):
        for j in range(n):
            apart = abs(i - j)
            if apart >= near:
                apart = abs(i // group - j // group) + near - near // group
            made[i, j] = apart if i >= j else -apart
    return made


def by_hand(query, key, value, far, angles, scaling, seen=None):
    """Attention in complex numbers: (x, x + width / 2) turned by distance times angle."""
    half = query.shape[-1] // 2
    q, k = (part[..., :half] + 1j * part[..., half:] for part in (query, key))
    turned = np.exp(1j * far[:, :, None] * angles)
    logits = np.einsum("hid,hjd,ijd->hij", q, k.conj(), turned).real * scaling
    if seen is not None:
        logits = np.where(seen, logits, -np.inf)
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return (weights / weights.sum(axis=-1, keepdims=True)) @ value


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def tensors(*arrays):
    return [torch.tensor(array, dtype=torch.float32)[None] for array in arrays]


def test_the_worked_example():
    assert np.abs(distances(10, 4, 2)[0]).tolist() == FROM_FIRST
    # One head of two numbers and one angle: a token's value says which it is, and the sharp logits
    # of equal vectors are cos(angle * distance), from which the distances are read off.
    query = key = np.tile([[[1.0, 0.0]]], (1, 10, 1))
    value = np.eye(10)[None]
    read = self_extend(
        *tensors(query, key, value), None, Grouping(4, 2, (0.1,)), scaling=1.0, causal=False
    )[0, 0, 0].double()
    logits = torch.log(read / read[0]) + 1
    assert (logits.clamp(max=1).acos() / 0.1).round().int().tolist() == FROM_FIRST


@pytest.mark.parametrize(("near", "group"), [(4, 2), (5, 3), (1, 2), (40, 3)])
@pytest.mark.parametrize("causal", [False, True])
def test_attention_has_the_distances_that_are_written_out(monkeypatch, near, group, causal):
    monkeypatch.setattr("retrievo.encode.extension.attention._LOGITS_AT_ONCE", 2 * 23 * 7)
    angles = 1 / 100 ** (np.arange(4) / 4)
    query, key, value = (drawn(2, 23, 8, seed=seed) for seed in range(3))
    seen = np.tril(np.ones((23, 23), bool)) if causal else None
    wanted = by_hand(query, key, value, distances(23, near, group), angles, 0.35, seen)
    made = self_extend(
        *tensors(query, key, value),
        None,
        Grouping(near, group, tuple(angles)),
        scaling=0.35,
        causal=causal,
    )
    assert np.abs(made[0].numpy() - wanted).max() <= 1e-5


@pytest.mark.parametrize("form", ["bool", "added"])
def test_what_the_mask_hides_is_not_read(form):
    angles = np.array([1.0, 0.1])
    query, key, value = (drawn(2, 12, 4, seed=seed) for seed in range(3))
    seen = np.arange(12) < 9
    wanted = by_hand(query, key, value, distances(12, 3, 2), angles, 0.5, seen[None, None, :])
    mask = torch.tensor(seen)[None, None, None, :].expand(1, 1, 12, 12)
    if form == "added":
        mask = torch.zeros(mask.shape).masked_fill(~mask, -1e9)
    made = self_extend(
        *tensors(query, key, value), mask, Grouping(3, 2, (1.0, 0.1)), scaling=0.5, causal=False
    )
    assert np.abs(made[0].numpy() - wanted).max() <= 1e-5


@pytest.mark.parametrize(
    ("stretch", "near", "group"), [(2, 256, 3), (4, 128, 5), (8, 64, 9), (3, 170, 4)]
)
def test_groups_are_those_of_the_paper_and_keep_to_the_window(stretch, near, group):
    made = grouping_for(512, stretch, torch.ones(2))
    assert (made.near, made.group) == (near, group)
    last = 512 * stretch - 1
    assert last // group + made.shift <= 512


@pytest.mark.parametrize(
    ("stretch", "factor"), [(1, 1), (2, 3), (3, 4), (4, 5), (6, 7.5), (8, 10), (16, 20)]
)
def test_the_base_grows_as_in_the_paper(stretch, factor):
    assert base_factor(stretch) == factor


def test_slower_angles_are_those_of_a_larger_base():
    old, new = (torch.tensor([base ** (-2 * j / 8) for j in range(4)]) for base in (1e4, 5e4))
    assert torch.allclose(slower(old, 5), new, rtol=1e-6, atol=0)


def test_attention_is_sharper_over_more_tokens_only():
    made = sharpness(torch.tensor([2, 512, 1024, 512**2]), 512)
    assert torch.allclose(made, torch.tensor([1.0, 1.0, math.log(1024) / math.log(512), 2.0]))


def test_positions_of_one_text():
    places, length = torch.arange(10)[None], torch.tensor([[10]])
    assert grouped(places, length, 4).tolist() == [[0, 0, 0, 1, 1, 1, 2, 2, 2, 3]]
    assert recurrent(places, length, 4).tolist() == [[0, 1, 2, 3, 0, 1, 2, 3, 0, 1]]
    # A text that fits in two times the window has groups of two, whatever else is in the batch.
    both = grouped(places.expand(2, 10), torch.tensor([[8], [10]]), 4)
    assert both[0, :8].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_the_interpolated_table_by_hand():
    rows = torch.tensor([[0.0, 10.0], [2.0, 20.0], [8.0, 0.0]])
    table = interpolated_table(rows, 8)  # three steps a row, and the last row has no right one
    wanted = [0, 2 / 3, 4 / 3, 2, 4, 6, 8, 8]
    assert torch.allclose(table[:, 0], torch.tensor(wanted))
    assert torch.equal(table[::3], rows)


def attended_by_hand(module, far, angles, fused):
    """A forward of a module of transformers that turns every pair of tokens by its distance."""

    def forward(hidden_states, **_):
        n = hidden_states.shape[1]
        if fused:
            parts = module.Wqkv(hidden_states).view(n, 3, -1, module.head_dim).unbind(1)
            out = module.Wo
        else:
            parts = [
                made(hidden_states).view(n, -1, module.head_dim)
                for made in (module.q_proj, module.k_proj, module.v_proj)
            ]
            out = module.o_proj
        query, key, value = (part.transpose(0, 1).double().numpy() for part in parts)
        groups = len(query) // len(key)
        key, value = (part.repeat(groups, axis=0) for part in (key, value))
        seen = None if fused else np.tril(np.ones((n, n), bool))
        read = by_hand(query, key, value, far(n), angles, module.head_dim**-0.5, seen)
        joined = torch.tensor(read, dtype=torch.float32).transpose(0, 1).reshape(1, n, -1)
        return out(joined), None

    return forward


@pytest.mark.parametrize("kind", ["modernbert", "llama"])
def test_a_model_with_every_distance_written_out(tmp_path, kind):
    """ModernBERT has local layers, with angles of their own, which stay as they are."""
    model = tiny(tmp_path, kind, **({"global_attn_every_n_layers": 2} if kind[0] == "m" else {}))
    text = "the quick brown fox jumps over a lazy dog " * 6  # 54 tokens in windows of 30
    made = SentenceEncoder(
        model, context_extension="selfextend", target_tokens=60, cache="off"
    ).encode_document([text])[0]
    backbone = copy.deepcopy(model[0].auto_model)
    base = 160_000.0 if kind == "modernbert" else 10_000.0
    angles = base ** (-2 * np.arange(2) / 4)
    exchanged = 0
    for layer in backbone.layers:
        attention = layer.attn if kind == "modernbert" else layer.self_attn
        if getattr(attention, "sliding_window", None) is None:
            attention.forward = attended_by_hand(
                attention, lambda n: distances(n, 15, 3), angles, kind == "modernbert"
            )
            exchanged += 1
    assert exchanged == (2 if kind == "modernbert" else 4)
    ids = torch.tensor([model.tokenizer(text, truncation=False)["input_ids"]])
    with torch.inference_mode():
        wanted = backbone(input_ids=ids).last_hidden_state[0].mean(dim=0).numpy()
    assert np.abs(made - wanted / np.linalg.norm(wanted)).max() <= 1e-5
