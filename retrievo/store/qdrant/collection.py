"""The collection of an index: made from the passport, and looked at before it is used."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from qdrant_client import models

from retrievo.contracts import Space
from retrievo.errors import IndexMissingError, MismatchError, StoreError
from retrievo.passport import Passport
from retrievo.store.qdrant.points import CHUNK, DOC, STATE, TENANT, WRITE, length_key
from retrievo.store.qdrant.sending import Exists, Missing, Server
from retrievo.store.qdrant.shadow import field_name
from retrievo.types import Representation, SparseRows

FORMAT = 1
"""The version of the points' layout; a collection of another is refused."""

OLDEST_SERVER = (1, 16)
"""Before it a collection had no metadata and an upsert no condition."""

WITH_IDF_CORPUS = (1, 19)
"""Before it an idf could not be counted over chosen points."""

Quantization = Literal["none", "int8", "binary"]
Indexed = Literal["keyword", "number", "date"]

_FORMAT, _PASSPORT, _CONFIG = "retrievo_format", "retrievo_passport", "retrievo_config"
_TENANTED, _FITTED = "retrievo_tenanted", "retrievo_fitted_"


@dataclass(frozen=True, slots=True)
class Layout:
    """How the server is to keep a collection: what the store's arguments say of it."""

    shards: int | None = None
    replicas: int | None = None
    write_consistency: int | None = None
    on_disk: bool = False
    payload_on_disk: bool = True
    quantization: Quantization = "none"
    hnsw_m: int | None = None
    hnsw_ef_construct: int | None = None
    indexed: Mapping[str, Indexed] = field(default_factory=dict)


def indexed_keys(given: Sequence[str] | Mapping[str, Indexed]) -> dict[str, Indexed]:
    """Each key and for what it is indexed: of a list, for equality."""
    return {**given} if isinstance(given, Mapping) else dict.fromkeys(given, "keyword")


@dataclass(slots=True)
class Meta:
    """What the collection's metadata say of the index."""

    passport: Passport
    config: dict[str, Any]
    tenanted: bool | None
    fitted: dict[str, float]


def check_version(server: Server, *, exact_idf: bool) -> None:
    """Raise StoreError where the server is too old, or no Qdrant server at all."""
    oldest = WITH_IDF_CORPUS if exact_idf else OLDEST_SERVER
    info = server.tried("asking for its version", server.client.info)
    parts = str(info.version).split(".")[:2]
    if info.title and "qdrant" not in str(info.title).lower():
        raise StoreError(
            f"qdrant at {server.where}: found {info.title!r}; check the url in [store]"
        )
    if all(part.isdigit() for part in parts) and tuple(map(int, parts)) < oldest:
        wanted = ".".join(map(str, oldest))
        raise StoreError(
            f"qdrant at {server.where}: the server is version {info.version}, {wanted} or later is "
            f"wanted{' for exact_idf' if exact_idf else ''}; update the server"
        )


def read_meta(server: Server) -> Meta | None:
    """The metadata of the collection; None where there is no such collection.

    Raises StoreError where it is no index of Retrievo, MismatchError for another format, and where
    its vectors are not those of its passport.
    """
    name = f"collection {server.collection!r} at {server.where}"
    if not server.ask("looking for the collection", "collection_exists"):
        return None
    try:
        info = server.ask("reading the collection", "get_collection")
    except Missing:
        return None
    kept = info.config.metadata or {}
    if _FORMAT not in kept or _PASSPORT not in kept:
        raise StoreError(
            f"{name} exists and is no Retrievo index; give another `collection` in [store], or "
            "delete that one on the server if nothing needs it"
        )
    if kept[_FORMAT] != FORMAT:
        raise MismatchError(
            f"{name} has format {kept[_FORMAT]}, this Retrievo reads format {FORMAT}; open it with "
            "the version that wrote it, or index into another collection"
        )
    passport = Passport.from_json(kept[_PASSPORT])
    _check_vectors(info.config.params, passport.representations, name)
    fitted = {k[len(_FITTED) :]: v for k, v in kept.items() if k.startswith(_FITTED)}
    return Meta(passport, json.loads(kept.get(_CONFIG) or "{}"), kept.get(_TENANTED), fitted)


def make_collection(
    server: Server, passport: Passport, config: Mapping[str, Any], layout: Layout
) -> None:
    """Make the collection, unless another process does so at this moment."""
    spaces = passport.representations
    hnsw = models.HnswConfigDiff(m=layout.hnsw_m, ef_construct=layout.hnsw_ef_construct)
    arguments: dict[str, Any] = dict(
        vectors_config={n: _vector(s, layout) for n, s in spaces.items() if s.kind != "sparse"},
        sparse_vectors_config={n: _sparse(s) for n, s in spaces.items() if s.kind == "sparse"},
        shard_number=layout.shards,
        replication_factor=layout.replicas,
        write_consistency_factor=layout.write_consistency,
        on_disk_payload=layout.payload_on_disk,
        hnsw_config=hnsw if layout.hnsw_m or layout.hnsw_ef_construct else None,
        metadata={_FORMAT: FORMAT, **_said(passport, config)},
    )
    try:
        server.ask("making the collection", "create_collection", **arguments)
    except Exists:
        return  # two workers started at once: the other one's is as good
    except StoreError as error:
        if "already exists" not in str(error):
            raise


def index_payload(
    server: Server, spaces: Mapping[str, Space], layout: Layout, *, wait: bool
) -> None:
    """Make the payload indexes that are missing; a filter does without until they are built."""
    there = server.ask("reading the collection", "get_collection").payload_schema
    keyword = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD)
    wanted: dict[str, Any] = {
        STATE: keyword,
        TENANT: models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True),
        DOC: models.IntegerIndexParams(
            type=models.IntegerIndexType.INTEGER, lookup=True, range=False
        ),
        WRITE: models.IntegerIndexParams(
            type=models.IntegerIndexType.INTEGER, lookup=True, range=True
        ),
        CHUNK: keyword,
        "match.doc_id": keyword,
    }
    # For `facet`, which tells the mean length.
    wanted |= {length_key(name): keyword for name, s in spaces.items() if s.kind == "sparse"}
    for key, kind in layout.indexed.items():
        name = field_name(key)
        wanted[f"match.{name}"] = keyword
        if kind == "number":
            wanted |= {f"{part}.{name}": "float" for part in ("number", "low", "high")}
        if kind == "date":
            wanted[f"moment.{name}"] = "datetime"
    for name, schema in wanted.items():
        if name not in there:
            server.ask(
                f"indexing the payload's {name!r}",
                "create_payload_index",
                field_name=name,
                field_schema=schema,
                wait=wait,
            )


def stamp_collection(server: Server, passport: Passport, config: Mapping[str, Any]) -> None:
    _put(server, _said(passport, config))


def set_tenanted(server: Server, tenanted: bool) -> None:
    """Say for good whether the index keeps tenants apart, also when no document is left.

    Metadata know no compare-and-set, and other processes remember what they read: one that still
    believes the old word would write, or search, across tenants in an index that began again.
    """
    _put(server, {_TENANTED: tenanted})


def set_fitted(server: Server, meta: Meta, name: str, mean: float | None) -> None:
    """Keep the mean length that the stored weights of a representation assume."""
    if mean is not None:
        _put(server, {f"{_FITTED}{name}": mean})
        meta.fitted[name] = mean


def set_first_fitted(server: Server, meta: Meta, values: Mapping[str, Representation]) -> None:
    """Keep the means that a batch brings, of representations that have none yet."""
    for name, rows in values.items():
        if isinstance(rows, SparseRows) and name not in meta.fitted:
            set_fitted(server, meta, name, rows.fitted_mean)


def missing(server: Server) -> IndexMissingError:
    return IndexMissingError(
        f"there is no collection {server.collection!r} at {server.where}; make it with "
        "`retrievo index PATH --config FILE` or pipeline.index(...)"
    )


def _put(server: Server, metadata: Mapping[str, Any]) -> None:
    server.ask("writing the collection's metadata", "update_collection", metadata=dict(metadata))


def _said(passport: Passport, config: Mapping[str, Any]) -> dict[str, str]:
    return {_PASSPORT: passport.to_json(), _CONFIG: json.dumps(dict(config))}


def _vector(space: Space, layout: Layout) -> models.VectorParams:
    many = models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM)
    assert space.size is not None
    return models.VectorParams(
        size=space.size,
        distance=models.Distance.DOT,
        on_disk=layout.on_disk,
        quantization_config=_quantization(layout),
        multivector_config=many if space.kind == "multi" else None,
    )


def _quantization(layout: Layout) -> Any:
    if layout.quantization == "int8":
        return models.ScalarQuantization(
            scalar=models.ScalarQuantizationConfig(
                type=models.ScalarType.INT8, quantile=0.99, always_ram=True
            )
        )
    if layout.quantization == "binary":
        return models.BinaryQuantization(binary=models.BinaryQuantizationConfig(always_ram=True))
    return None


def _sparse(space: Space) -> models.SparseVectorParams:
    return models.SparseVectorParams(modifier=models.Modifier.IDF if space.idf else None)


def _check_vectors(params: Any, spaces: Mapping[str, Space], name: str) -> None:
    dense = params.vectors if isinstance(params.vectors, dict) else {}
    sparse = params.sparse_vectors or {}
    for key, space in spaces.items():
        if space.kind == "sparse":
            kept = sparse.get(key)
            good = kept is not None and (kept.modifier == models.Modifier.IDF) == space.idf
        else:
            kept = dense.get(key)
            good = (
                kept is not None
                and kept.size == space.size
                and kept.distance == models.Distance.DOT
                and (kept.multivector_config is not None) == (space.kind == "multi")
            )
        if not good:
            raise MismatchError(
                f"{name}: its passport names {key!r} as {space}, the collection has "
                f"{'no such vector' if kept is None else kept}; it was changed on the server: "
                "index into another collection"
            )
