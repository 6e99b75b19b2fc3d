"""A model that may be cut in depth and width, trained on texts of one's own and without labels."""

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer

from retrievo.encode.matryoshka.ladder import Cut, Ladder, Point
from retrievo.encode.transformer.hub import load_model
from retrievo.errors import ConfigError
from retrievo.ingest.report import Progress
from retrievo.tune.judged import Judged
from retrievo.tune.ladder_depths import Depths, final_norm
from retrievo.tune.ladder_heads import fit_heads, principal
from retrievo.tune.ladder_points import check_points, default_points
from retrievo.tune.ladder_scores import Meter
from retrievo.tune.ladder_settings import Settings
from retrievo.tune.ladder_texts import divide
from retrievo.tune.ladder_training import FITTED_ON, LadderTraining
from retrievo.tune.ladder_verdict import verdict
from retrievo.tune.model_folder import check_output, write_model


def train_ladder(
    model: str | Path | SentenceTransformer,
    texts: Iterable[str],
    output: str | Path,
    *,
    points: Sequence[Cut] | None = None,
    settings: Settings | None = None,
    judged: Judged | None = None,
    device: str = "auto",
    keep_collapsed: bool = False,
    force: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Ladder:
    """The ladder of the model that is then in the folder `output`, every point of it measured.

    The teacher is the model as it is given, which is not changed. `points` are (layers, dim), by
    default six from a sixth of the model up; the full model is always the last. A point that the
    training spoiled is told, and stands under `refused` unless `keep_collapsed`. The folder
    appears when all is done: an interrupted training leaves none. `judged` adds nDCG@10 to the
    scores. On a CPU the same `seed` and `steps` give the same model.

    Raises ConfigError for fewer than 50 texts, for points that the model does not have, for a
    model that is no transformer and for an output that is there (see `force`); EncoderError where
    the training spoiled the full model.
    """
    settings = (settings or Settings()).checked()
    target = check_output(output, model, force)
    trained, name = _loaded(model, device)
    dim = int(trained.encode(["a"], show_progress_bar=False).shape[1])
    depths = Depths(trained, [])
    points = check_points(points or default_points(depths.layers, dim), depths.layers, dim)
    depths = Depths(trained, [layers for layers, _ in points])
    if settings.method == "2dmse" and final_norm(trained) is not None:
        raise ConfigError(
            "2dmse trains the states between layers as they are, and this model normalises those "
            "behind its last layer; use the method starbucks"
        )
    longest = 8 * (trained.max_seq_length or 512)
    parts = divide(
        texts,
        piece_tokens=settings.piece_tokens,
        held_out=settings.held_out,
        longest=longest,
        seed=settings.seed,
    )
    training = LadderTraining(trained, depths, points, settings, progress)
    meter = Meter(trained, depths, points, parts.held_out, parts.beginnings, judged)
    before = meter.states()
    raw = meter.scores(before, {})
    sample = parts.pieces[:FITTED_ON]
    found = training.states(sample)
    teacher = found[depths.layers]
    directions = principal(teacher, depths.layers)
    heads = fit_heads(found, teacher, directions, points, seed=settings.seed)
    fitted = meter.scores(before, heads)
    told = training.train(parts.pieces, teacher, heads, directions)
    heads = fit_heads(training.states(sample), teacher, directions, points, seed=settings.seed)
    after = meter.scores(meter.states(), heads)
    measured = [
        Point(
            layers=layers,
            dim=width,
            head="ridge" if (layers, width) in heads else "slice",
            raw=raw[layers, width],
            fitted=fitted[layers, width] if (layers, width) in heads else {},
            trained=after[layers, width],
        )
        for layers, width in points
    ]
    declared, refused = verdict(measured, keep_collapsed)

    def declare(fingerprints: Mapping[str, str]) -> Ladder:
        counts = {"texts": parts.given, "held_out": len(parts.held_out)}
        return Ladder(
            model=name,
            layers=depths.layers,
            dim=dim,
            fingerprints=dict(fingerprints),
            method=settings.method,
            points=tuple(declared),
            refused=tuple(refused),
            training={**counts, **told, **_told(judged)},
        )

    return write_model(target, trained, declare, heads)


def _told(judged: Judged | None) -> dict[str, Any]:
    if judged is None:
        return {}
    return {
        "judged": judged.name,
        "judged_documents": len(judged.documents),
        "judged_queries": len(judged.queries),
    }


def _loaded(
    model: str | Path | SentenceTransformer, device: str
) -> tuple[SentenceTransformer, str]:
    """A model that may be changed, and what it is called."""
    if isinstance(model, SentenceTransformer):
        base = getattr(model.model_card_data, "base_model", None)
        return copy.deepcopy(model).eval(), str(base or "given")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    folder = Path(model).expanduser()
    name = folder.resolve().name if folder.is_dir() else str(model)
    return load_model(str(model), local_files_only=False, device=device).float().eval(), name
