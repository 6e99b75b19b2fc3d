"""How the engine keeps vectors: codes, graph and what is told of them, by the number of rows."""

import numpy as np
import pytest
from engines import DIM, best, engine_of, unit

from retrievo.contracts import Space
from retrievo.errors import StoreError
from retrievo.store.local import engine_config, segments
from retrievo.store.local.engine import Engine
from retrievo.types import MultiRows

CODINGS = ["int8", "int4", "binary", "none"]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(engine_config, "QUANTIZE_ABOVE", 200)
    monkeypatch.setattr(engine_config, "GRAPH_ABOVE", 1000)


def add(engine, vectors, first):
    engine.upsert(np.arange(first, first + len(vectors)), {"dense": vectors})
    engine.flush()


def test_codes_and_graph_come_with_the_rows_and_go_with_them(tmp_path):
    vectors = unit(np.random.default_rng(0), 2000)
    engine = engine_of(tmp_path / "v", vectors[:150])
    seen = []
    for first, past in [(150, 150), (150, 400), (400, 900), (900, 1300), (1300, 2000)]:
        add(engine, vectors[first:past], first)
        engine.settle()
        told = engine.stats()["dense"]
        seen.append((told.vectors, told.coding, told.coded, told.graph))
        for query in unit(np.random.default_rng(first), 5):
            _, scores = engine.search("dense", [query], 10)[0]
            assert np.allclose(np.sort(scores)[::-1], best(vectors[:past], query, 10), atol=1e-5)
    assert seen == [
        (150, "float32", 0, False),
        (400, "int8", 400, False),
        (900, "int8", 900, False),
        (1300, "int8", 1300, True),
        (2000, "int8", 2000, True),
    ]
    engine.delete(list(range(1200)))
    engine.settle()
    assert (engine.stats()["dense"].vectors, engine.stats()["dense"].graph) == (800, True)
    engine.delete(list(range(1200, 1920)))
    engine.settle()
    told = engine.stats()["dense"]
    assert (told.vectors, told.coding, told.graph) == (80, "float32", False)
    engine.close()


def test_few_new_rows_are_scanned_until_they_are_worth_linking(tmp_path):
    vectors = unit(np.random.default_rng(0), 3000)
    engine = engine_of(tmp_path / "v", vectors[:2000])

    def linked():
        return sum(part.rows or 0 for part in segments.parts(tmp_path / "v", "dense") if part.graph)

    assert linked() == 2000
    add(engine, vectors[2000:2150], 2000)
    engine.settle()
    assert linked() == 2000  # 150 rows are under QUANTIZE_ABOVE
    assert engine.search("dense", [vectors[2100]], 1)[0][0].tolist() == [2100]
    engine.optimize()
    assert linked() == 2150
    add(engine, vectors[2150:], 2150)
    engine.settle()
    assert linked() == 3000
    engine.delete(list(range(500)))
    engine.settle()
    assert sum(part.dead for part in segments.parts(tmp_path / "v", "dense")) == 500
    engine.optimize()
    assert sum(part.dead for part in segments.parts(tmp_path / "v", "dense")) == 0
    assert engine.count() == linked() == 2500
    engine.close()


@pytest.mark.parametrize("coding", CODINGS)
def test_bytes_that_are_told_are_those_of_the_codes(tmp_path, coding):
    vectors = unit(np.random.default_rng(0), 500, 100)
    engine = engine_of(tmp_path / "v", vectors, coding=coding)
    told = engine.stats()["dense"]
    codes = list((tmp_path / "v").rglob("quantized.data"))
    assert [file.stat().st_size for file in codes] == (
        [] if coding == "none" else [500 * told.bytes_a_vector]
    )
    assert told.coded == (0 if coding == "none" else 500)
    assert told.bytes_a_vector == {"int8": 104, "int4": 58, "binary": 21, "none": 400}[coding]
    engine.close()


def with_outliers(rng, n):
    """One number is large in all vectors, four vary ten times as much as the others."""
    made = rng.normal(size=(n, 64))
    made[:, :4] *= 10
    made[:, 4] += 30
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def of_all_lengths(rng, n):
    return unit(rng, n, 64) * rng.lognormal(0, 1, (n, 1))


@pytest.mark.parametrize("made", [with_outliers, of_all_lengths])
@pytest.mark.parametrize("length", [0.01, 1, 50])
def test_codes_keep_the_order_of_awkward_vectors(tmp_path, made, length):
    rng = np.random.default_rng(0)
    vectors = made(rng, 3000).astype(np.float32)
    queries = (length * made(rng, 100)).astype(np.float32)
    engine = engine_of(tmp_path / "v", vectors)
    engine.layout = engine_config.Layout(False, engine.layout.codings)
    assert engine.stats()["dense"].coded == 3000
    shares = []
    for query, (_, scores) in zip(queries, engine.search("dense", list(queries), 10), strict=True):
        right = best(vectors, query, 10)
        shares.append(float((scores >= right[-1] - 1e-5 * abs(right[-1])).mean()))
    assert np.mean(shares) >= 0.98
    engine.close()


def test_codes_of_an_earlier_version_are_searched_and_made_again(tmp_path):
    import qdrant_edge as edge

    vectors = unit(np.random.default_rng(0), 600)
    old = edge.EdgeVectorParams(
        size=DIM,
        distance=edge.Distance.Dot,
        quantization_config=edge.ScalarQuantizationConfig(edge.ScalarType.Int8, quantile=0.99),
        hnsw_config=edge.HnswIndexConfig(m=0, ef_construct=4, full_scan_threshold=10),
    )
    config = edge.EdgeConfig(
        vectors={"dense": old},
        optimizers=edge.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=12),
        wal_enabled=False,
    )
    (tmp_path / "v").mkdir()
    shard = edge.EdgeShard.create(str(tmp_path / "v"), config)
    points = [edge.Point(row, {"dense": vectors[row].tolist()}) for row in range(600)]
    shard.update(edge.UpdateOperation.upsert_points(points))
    shard.flush()
    shard.optimize()
    shard.close()
    engine = Engine(tmp_path / "v", {"dense": Space("dense", DIM)})
    assert engine.layout.codings == {"dense": "scalar"}
    for _ in range(2):
        rows, _ = engine.search("dense", [vectors[9]], 3)[0]
        assert rows[0] == 9
        engine.settle()
    assert engine.stats()["dense"].coding == "int8"
    engine.close()


def test_rows_without_vectors_of_a_kind(tmp_path):
    spaces = {"dense": Space("dense", DIM), "tokens": Space("multi", 4)}
    engine = Engine(tmp_path / "v", spaces, create=True)
    rng = np.random.default_rng(0)
    tokens = MultiRows(np.array([0, 2, 2, 3]), rng.normal(size=(3, 4)).astype(np.float32))
    engine.upsert(np.array([5, 6, 7]), {"dense": unit(rng, 3), "tokens": tokens})
    engine.flush()
    back = engine.fetch("tokens", np.array([7, 6, 5]))
    assert back.indptr.tolist() == [0, 1, 1, 3]
    assert np.array_equal(back.vectors, tokens.vectors[[2, 0, 1]])
    query = rng.normal(size=(3, 4)).astype(np.float32)
    rows, scores = engine.search("tokens", [query], 9)[0]
    # MaxSim by hand: for each vector of the query the highest product with one of the row's.
    wanted = {5: (query @ tokens.vectors[:2].T).max(axis=1).sum(), 7: query @ tokens.vectors[2]}
    assert dict(zip(rows, scores, strict=True)) == {
        row: pytest.approx(np.sum(score), rel=1e-5) for row, score in wanted.items()
    }
    assert engine.stats()["tokens"].vectors == 2
    none = MultiRows(np.array([0, 0, 1]), tokens.vectors[:1])
    engine.replace("tokens", np.array([5, 6]), none)
    assert engine.fetch("tokens", np.array([5, 6])).indptr.tolist() == [0, 0, 1]
    with pytest.raises(StoreError, match="no dense vector of row 8"):
        engine.fetch("dense", np.array([5, 8]))
    with pytest.raises(StoreError, match="0 of 'tokens'"):
        engine.upsert(np.array([9]), {"dense": unit(rng, 1)})
    engine.close()
