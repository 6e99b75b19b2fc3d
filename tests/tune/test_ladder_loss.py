import pytest

pytest.importorskip("sentence_transformers", reason="needs the extra 'models'")

import numpy as np
import torch
from tiny_transformers import tiny

from retrievo.encode.matryoshka.depth import at_depth
from retrievo.encode.matryoshka.heads import Head, unit
from retrievo.tune.ladder_loss import TEMPERATURE, StarbucksLoss, in_batch_divergence

TEXTS = ["the quick brown fox", "a lazy dog", "fox over dog jumps"]
DRAW = np.random.default_rng(3)


def random(*shape):
    return DRAW.normal(size=shape).astype(np.float32)


def divergence(made, teacher):
    """The definition, with loops: mean over i of sum over j ≠ i of p ln(p / q)."""
    total = 0.0
    for i in range(len(made)):
        others = [j for j in range(len(made)) if j != i]
        p, q = (np.exp([float(v[i] @ v[j]) / TEMPERATURE for j in others]) for v in (teacher, made))
        p, q = p / p.sum(), q / q.sum()
        total += float((p * np.log(p / q)).sum())
    return total / len(made)


def test_the_divergence_is_its_definition():
    made, teacher = unit(random(5, 3)), unit(random(5, 7))
    found = in_batch_divergence(torch.tensor(made), torch.tensor(teacher))
    assert float(found) == pytest.approx(divergence(made, teacher), rel=1e-4)
    same = in_batch_divergence(torch.tensor(teacher), torch.tensor(teacher))
    assert float(same) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_all_points_count_and_the_full_one_as_much_as_the_others(tmp_path, weight):
    model = tiny(tmp_path, "bert")
    points = ((1, 4), (2, 6), (4, 16))
    teacher, directions = unit(random(9, 16)), np.linalg.qr(random(16, 16))[0]
    head = Head("ridge", 1, random(16, 4), random(16), random(4))
    loss = StarbucksLoss(model, points, teacher, directions, {(1, 4): head}, weight)
    rows = [7, 0, 3]
    found = loss([model.preprocess(TEXTS)], torch.tensor(rows))

    wanted = teacher[rows]
    states = {layers: at_depth(model, layers).encode(TEXTS) for layers, _ in points}
    pairs = [
        (head.apply(states[1]), unit((wanted @ directions)[:, :4])),
        (unit(states[2][:, :6]), unit(wanted[:, :6])),
        (states[4], wanted),
    ]
    parts = [
        1 - float((made * goal).sum(axis=1).mean()) + weight * divergence(made, wanted)
        for made, goal in pairs
    ]
    assert found.item() == pytest.approx((parts[0] + parts[1] + 2 * parts[2]) / 4, rel=1e-3)
    found.backward()
    assert all(float(layer.attention.output.dense.weight.grad.abs().sum()) > 0
               for layer in model[0].auto_model.encoder.layer)  # fmt: skip
