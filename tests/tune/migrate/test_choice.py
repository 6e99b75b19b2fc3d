"""The choice on made spaces: ranks written out by hand, a known relation, and noise."""

import json
from dataclasses import replace

import numpy as np
import pytest

from retrievo.encode.space_map import SpaceMap
from retrievo.errors import ConfigError, EncoderError, RetrievoWarning
from retrievo.tune.migrate.choice import MapReport, choose_map
from retrievo.tune.migrate.held_out import HeldOut
from retrievo.tune.migrate.paired import Pairs, Split, UnitPairs

ROUGH = "ignore:fewer than 50 sentences"


def narrow(rows):
    return np.ascontiguousarray(rows, dtype=np.float32)


def world(n=400, *, dim_old=12, dim_new=16, noise=0.05, new_noise=None, seed=0, related=True):
    """Documents of 10 hidden numbers that two encoders show turned, each with a sentence."""
    rng = np.random.default_rng(seed)
    meaning = rng.normal(size=(n, 10))
    asked = meaning + rng.normal(size=(n, 10)) * 0.4
    to_old, to_new = rng.normal(size=(10, dim_old)), rng.normal(size=(10, dim_new))

    def seen(rows, by):
        level = new_noise if new_noise is not None and by is to_new else noise
        found = rows @ by + rng.normal(size=(n, by.shape[1])) * level
        return narrow(found / np.linalg.norm(found, axis=1, keepdims=True))

    new = meaning if related else rng.normal(size=(n, 10))
    new_asked = asked if related else rng.normal(size=(n, 10))
    return Pairs(
        seen(meaning, to_old),
        seen(new, to_new),
        seen(asked, to_old),
        seen(new_asked, to_new),
        np.arange(n),
    )


def same(one, other):
    return one.fingerprint == other.fingerprint and one.told == other.told


@pytest.mark.parametrize(("dim_old", "dim_new"), [(12, 16), (16, 12)])
def test_related_spaces_get_a_map_that_serves(dim_old, dim_new):
    pairs = world(dim_old=dim_old, dim_new=dim_new)
    space_map, report = choose_map(pairs)
    assert report.accepted and report.share_of_old >= 0.95
    assert (space_map.dim_in, space_map.dim_out) == (dim_new, dim_old)
    assert (report.documents, report.queries, report.held_out) == (400, 400, 80)
    assert space_map.kind == report.chosen and space_map.old is None
    assert space_map.told["held out"] == 80
    # Documents that nobody sampled, of the same world: the mapped queries find them as well.
    scores = space_map.apply(pairs.new_queries) @ pairs.old_documents.T
    found = np.mean(scores.argmax(axis=1) == np.arange(400))
    alone = np.mean((pairs.old_queries @ pairs.old_documents.T).argmax(axis=1) == np.arange(400))
    assert found > 0.9 * alone


def test_noise_is_refused():
    space_map, report = choose_map(world(related=False))
    assert not report.accepted and not report.compatible and report.share_of_old < 0.3
    assert "is refused" in report.verdict and "not compatible" in report.verdict
    assert isinstance(space_map, SpaceMap)


def test_the_gate_is_where_it_is_set():
    pairs = world(new_noise=2.0)
    share = choose_map(pairs)[1].share_of_old
    assert 0.05 < share < 1
    assert choose_map(pairs, min_share=share)[1].accepted
    assert not choose_map(pairs, min_share=min(1, share + 1e-6))[1].accepted
    for wrong in (0, -0.1, 1.01, float("nan")):
        with pytest.raises(ConfigError, match="min_share is"):
            choose_map(pairs, min_share=wrong)


def test_the_best_on_held_out_sentences_is_chosen_and_the_compared_never():
    _, report = choose_map(world(noise=0.3))
    eligible = [row for row in report.rows if row.eligible]
    assert report.row.figures.ndcg == max(row.figures.ndcg for row in eligible)
    assert {row.name for row in eligible} == {
        *("procrustes", "whitened", "ridge", "low-rank", "mlp")
    }
    compared = {row.name for row in report.rows} - {row.name for row in eligible}
    assert compared == {"relative", "old, whitened", f"{report.chosen} + old"}


@pytest.mark.filterwarnings(ROUGH)
def test_the_same_pairs_and_seed_give_the_same_map():
    pairs = world(150)
    (one, told), (other, again) = choose_map(pairs, seed=3), choose_map(pairs, seed=3)
    assert same(one, other)
    timeless = [[replace(row, seconds=0.0) for row in r.rows] for r in (told, again)]
    assert timeless[0] == timeless[1]
    assert choose_map(pairs, seed=4)[1].row.figures != told.row.figures


def test_with_old_may_choose_the_sum_of_both_and_says_what_it_wants():
    pairs = world(noise=0.8, new_noise=1.0)
    space_map, report = choose_map(pairs, with_old=True)
    _, alone = choose_map(pairs)
    assert report.chosen == f"{alone.chosen} + old" and report.row.eligible
    assert report.share_of_old > alone.share_of_old
    assert space_map.old is not None and space_map.old.shape == (12, 12)


@pytest.mark.filterwarnings(ROUGH)
def test_empty_texts_are_left_out_of_all():
    pairs = world(150)
    gaps = replace(pairs)
    for name, row in (
        ("old_documents", 3),
        ("new_documents", 40),
        ("old_queries", 70),
        ("new_queries", 71),
    ):
        part = getattr(pairs, name).copy()
        part[row] = 0
        gaps = replace(gaps, **{name: part})
    documents = np.delete(np.arange(150), [3, 40])
    asked = np.delete(np.arange(150), [3, 40, 70, 71])
    clean = Pairs(
        pairs.old_documents[documents],
        pairs.new_documents[documents],
        pairs.old_queries[asked],
        pairs.new_queries[asked],
        np.searchsorted(documents, asked),
    )
    (one, told), (other, _) = choose_map(gaps), choose_map(clean)
    assert same(one, other)
    assert (told.documents, told.queries) == (148, 146)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("old_documents", "documents by the old"),
        ("new_documents", "documents by the new"),
        ("old_queries", "queries by the old"),
        ("new_queries", "queries by the new"),
    ],
)
def test_a_number_that_is_not_finite_is_refused_with_its_row(name, said):
    pairs = world(60)
    getattr(pairs, name)[[7, 9], 2] = np.nan, np.inf
    with pytest.raises(EncoderError, match=rf"2 of 60 vectors of {said} .* first in row 7"):
        choose_map(pairs)


def test_sides_that_are_not_aligned_are_refused():
    pairs = world(60)
    with pytest.raises(EncoderError, match="fitted on pairs: the documents"):
        choose_map(replace(pairs, new_documents=pairs.new_documents[1:]))
    with pytest.raises(EncoderError, match="fitted on pairs: the queries"):
        choose_map(replace(pairs, old_queries=pairs.old_queries[1:]))
    with pytest.raises(EncoderError, match="differ in their dimensions"):
        choose_map(replace(pairs, old_queries=pairs.old_queries[:, 1:]))
    for owners in (pairs.owners[1:], pairs.owners - 1, pairs.owners + 1):
        with pytest.raises(EncoderError, match="one row of the 60 documents"):
            choose_map(replace(pairs, owners=owners))


def test_too_few_texts_are_refused_and_few_are_told():
    few = world(19)
    with pytest.raises(ConfigError, match=r"19 documents .* at least 20 and 4"):
        choose_map(few)
    pairs = world(60)
    with pytest.raises(ConfigError, match="with sentences of 3;"):
        choose_map(
            replace(
                pairs,
                old_queries=pairs.old_queries[:3],
                new_queries=pairs.new_queries[:3],
                owners=pairs.owners[:3],
            )
        )
    with pytest.warns(RetrievoWarning, match="fewer than 50 sentences are held out"):
        choose_map(pairs)
    with (
        pytest.warns(RetrievoWarning, match="fewer than 50 sentences"),
        pytest.warns(RetrievoWarning, match="60 pairs, fewer than the 200 dimensions"),
    ):
        choose_map(
            replace(
                world(40, dim_new=200),
                old_queries=pairs.old_queries[:20],
                new_queries=world(40, dim_new=200).new_queries[:20],
                owners=np.arange(20),
            )
        )


@pytest.mark.filterwarnings(ROUGH)
def test_constant_dimensions_do_no_harm():
    pairs = world(100)
    flat = Pairs(
        *(
            narrow(np.column_stack([part, np.full(len(part), 0.1), np.zeros(len(part))]))
            for part in (
                pairs.old_documents,
                pairs.new_documents,
                pairs.old_queries,
                pairs.new_queries,
            )
        ),
        pairs.owners,
    )
    space_map, report = choose_map(flat)
    assert np.isfinite(space_map.matrix).all() and report.share_of_old > 0.9


def test_held_out_documents_own_all_held_out_sentences():
    pairs = replace(world(100), owners=np.repeat(np.arange(50), 2)).usable
    with pytest.warns(RetrievoWarning, match="fewer than 50"):
        split = (whole := pairs()).split(0)
    held = set(whole.owners[split.held_queries].tolist())
    assert len(held) == 20 and not held & set(split.documents.tolist())
    assert len(split.held_queries) == 40
    assert len(split.documents) + len(held) == 100


def test_ranks_and_gains_written_out():
    # Documents on the axes of three dimensions; each query's numbers are its scores.
    axes = np.eye(3)
    queries = np.array([[0.9, 0.5, 0.1], [0.9, 0.5, 0.1], [0.9, 0.9, 0.1]])
    pairs = UnitPairs(axes, axes, queries, queries, np.array([0, 1, 1]))
    held = HeldOut(pairs, Split(np.arange(3), np.arange(3)))
    # Ranks 1, 2 and, behind the equal score of an earlier row, 2.
    assert held.old.ndcg == pytest.approx((1 + 2 / np.log2(3)) / 3)
    assert held.old.mrr == pytest.approx((1 + 0.5 + 0.5) / 3)
    assert held.old.overlap == 1.0 and held.old.at_least_old == 1.0
    turned = held.judge(np.array([[0.1, 0.5, 0.9], [0.5, 0.9, 0.1], [0.9, 0.8, 0.1]]))
    assert turned.mrr == pytest.approx((1 / 3 + 1 + 0.5) / 3)  # ranks 3, 1, 2
    assert turned.at_least_old == pytest.approx(2 / 3)


def test_the_overlap_is_with_the_new_encoders_first_ten():
    # 20 documents in order along the old and, from the other end, along the new space.
    angles = np.linspace(0, 1.5, 20)
    old = np.column_stack([np.cos(angles), np.sin(angles)])
    asked = np.array([[1.0, 0.0]])
    pairs = UnitPairs(old, old[::-1], asked, asked, np.array([0]))
    held = HeldOut(pairs, Split(np.arange(20), np.arange(1)))
    assert held.new.overlap == 1.0 and held.old.overlap == 0.0
    assert held.judge(np.array([[0.0, 1.0]])).overlap == 1.0
    middle = old[9:10] + old[10:11]  # between the tenth and the eleventh
    assert held.judge(middle).overlap == pytest.approx(0.5)


def test_a_report_is_told_as_json_and_as_a_table():
    _, report = choose_map(world(noise=0.3), with_old=True)
    told = json.loads(json.dumps(report.as_dict()))
    assert MapReport.from_dict(told) == report
    lines = str(report).splitlines()
    assert "400 documents and 400 sentences" in lines[0] and "80 held-out" in lines[0]
    assert len(lines) == 2 + 2 + len(report.rows) + 1
    chosen = [line for line in lines if line.endswith("  chosen")]
    assert len(chosen) == 1 and chosen[0].startswith(report.chosen)
    assert f"{report.row.figures.ndcg:.3f}" in chosen[0]
    assert lines[-1] == report.verdict
