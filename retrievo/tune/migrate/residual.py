"""A small network that corrects a linear map: the residual MLP of Drift-Adapter (EMNLP 2025)."""

from dataclasses import dataclass

import numpy as np

from retrievo.encode.space_map import SpaceMap
from retrievo.tune.migrate.maps import narrow
from retrievo.tune.migrate.paired import Wide

WIDTH = 128
RATE = 1e-3
BATCH = 128
MOST_EPOCHS = 60
PATIENCE = 5
VALIDATION = 0.15

_Weights = dict[str, Wide]


@dataclass(slots=True)
class Adam:
    """Kingma, Ba 2015, with the paper's own decay rates."""

    rate: float
    first: _Weights
    second: _Weights
    steps: int = 0

    @classmethod
    def of(cls, weights: _Weights, rate: float) -> "Adam":
        return cls(
            rate,
            {name: np.zeros_like(part) for name, part in weights.items()},
            {name: np.zeros_like(part) for name, part in weights.items()},
        )

    def step(self, weights: _Weights, gradients: _Weights) -> None:
        """Move the weights in place against their gradients."""
        self.steps += 1
        for name, gradient in gradients.items():
            self.first[name] += 0.1 * (gradient - self.first[name])
            self.second[name] += 0.001 * (gradient**2 - self.second[name])
            mean = self.first[name] / (1 - 0.9**self.steps)
            spread = np.sqrt(self.second[name] / (1 - 0.999**self.steps))
            weights[name] -= self.rate * mean / (spread + 1e-8)


def fit_residual(base: SpaceMap, x: Wide, y: Wide, *, seed: int = 0) -> SpaceMap:
    """The base map plus tanh(x @ hidden + hidden_bias) @ output, which starts at zero.

    `x` float64[n, dim in] and `y` float64[n, dim out] are unit rows. What is learned is the
    direction: the loss is 1 - cosine(map(x), y), with Adam. A share of the rows, drawn by `seed`,
    is kept to stop at the epoch with the best cosine; if none improves on the base, the correction
    is zero. The same seed and rows give the same map.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(x))
    kept, fit = np.split(order, [max(1, round(VALIDATION * len(x)))])
    matrix, bias = base.matrix.astype(np.float64), base.bias.astype(np.float64)
    linear = x @ matrix + bias
    # Unit inputs have numbers of 1/√dim: this spread gives tanh arguments of about 1.
    weights: _Weights = {
        "hidden": rng.normal(size=(x.shape[1], WIDTH)),
        "hidden_bias": np.zeros(WIDTH),
        "output": np.zeros((WIDTH, y.shape[1])),
    }
    best = {name: part.copy() for name, part in weights.items()}
    before = top = _cosine(_forward(weights, x[kept], linear[kept])[1], y[kept])
    adam, best_epoch = Adam.of(weights, RATE), 0
    for epoch in range(1, MOST_EPOCHS + 1):
        for rows in np.array_split(rng.permutation(fit), max(1, len(fit) // BATCH)):
            adam.step(weights, _gradients(weights, x[rows], y[rows], linear[rows]))
        now = _cosine(_forward(weights, x[kept], linear[kept])[1], y[kept])
        if now > top:
            best, top, best_epoch = {k: part.copy() for k, part in weights.items()}, now, epoch
        elif epoch - best_epoch >= PATIENCE:
            break
    told = {
        **base.told,
        "base": base.kind,
        "width": WIDTH,
        "epochs": best_epoch,
        "cosine before": round(before, 4),
        "cosine": round(top, 4),
    }
    parts = {name: narrow(part) for name, part in best.items()}
    return SpaceMap("mlp", base.matrix, base.bias, **parts, told=told)


def _forward(weights: _Weights, x: Wide, linear: Wide) -> tuple[Wide, Wide]:
    """The hidden layer and the output, which is not yet of unit length."""
    hidden = np.tanh(x @ weights["hidden"] + weights["hidden_bias"])
    return hidden, linear + hidden @ weights["output"]


def _gradients(weights: _Weights, x: Wide, y: Wide, linear: Wide) -> _Weights:
    """Of the mean of 1 - cosine; the length of the output carries none."""
    hidden, made = _forward(weights, x, linear)
    lengths = np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-12)
    made = made / lengths
    cosines = np.einsum("nd,nd->n", made, y)[:, None]
    slope = (cosines * made - y) / lengths / len(x)
    inner = (slope @ weights["output"].T) * (1 - hidden**2)
    return {"hidden": x.T @ inner, "hidden_bias": inner.sum(axis=0), "output": hidden.T @ slope}


def _cosine(made: Wide, y: Wide) -> float:
    lengths = np.maximum(np.linalg.norm(made, axis=1), 1e-12)
    return float(np.mean(np.einsum("nd,nd->n", made, y) / lengths))
