"""What an index must be to move, and the pipeline that its new encoder makes."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from retrievo.config import Config
from retrievo.contracts import Encoder, Store
from retrievo.errors import ConfigError, StoreError
from retrievo.migrate.configuration import without_path
from retrievo.migrate.place import FOLDER, INDEX
from retrievo.retrieve.dense import DenseRetriever

if TYPE_CHECKING:
    from retrievo.pipeline import Pipeline


def check(
    pipeline: "Pipeline", store: Store, encoder: object, answers: str, recut: bool
) -> Path | None:
    """The folder that the new index is made in; None for an index in memory."""
    if answers not in ("mapped", "old"):
        raise ConfigError(f"answers is {answers!r}; 'mapped' or 'old' is wanted")
    if recut and answers == "mapped":
        raise ConfigError(
            "recut = True cuts other chunks, which cannot be searched beside the old ones: it goes "
            "with answers = 'old' (files go with --answers old)"
        )
    if recut and store.tenanted():
        raise ConfigError("recut = True reads sources, which say nothing of tenants; leave it out")
    if not isinstance(encoder, (Mapping, Encoder)):
        raise ConfigError(
            f"an encoder or its table is wanted, as in {{'use': 'sentence-transformers', 'model': "
            f"…}}; found {encoder!r}"
        )
    if "retrievers" in pipeline._given:
        raise ConfigError(
            "the retrievers were given as objects, which hold the old encoder; name them in the "
            "configuration, or index into a new folder"
        )
    if getattr(store, "read_only", False):
        raise StoreError(f"{getattr(store, 'path', '')} is a snapshot, which is only read")
    if not store.count():
        raise ConfigError("the index is empty: index with the new encoder into a new folder")
    if "persistent" not in store.capabilities:
        return None
    path = getattr(store, "path", None)
    if not isinstance(path, Path) or not hasattr(store, "exchange"):
        raise StoreError(
            f"the store {type(store).__name__} cannot exchange an index for another; index into a "
            "new collection with the new encoder, and change the name in [store] when it is there"
        )
    return path / FOLDER


def new_pipeline(
    pipeline: "Pipeline", config: Config, encoder: object, folder: Path | None
) -> "Pipeline":
    left = ("encoder", "query_encoder", "store", "retrievers")
    given = {name: part for name, part in pipeline._given.items() if name not in left}
    if encoder is not None:
        given["encoder"] = encoder
    new = type(pipeline).__new__(type(pipeline))
    index = None if folder is None else folder / INDEX
    home = None if folder is None else folder.parent
    new._setup(without_path(config), pipeline.host, given, index, home=home)
    new._assembly.check()
    return new


def dense_name(pipeline: "Pipeline") -> str:
    parts = pipeline._assembly.part("retrievers")
    dense = [part for part in parts.values() if isinstance(part, DenseRetriever)]
    others = [
        name
        for name, part in parts.items()
        if not isinstance(part, DenseRetriever)
        and any(space.kind != "sparse" for space in part.representations.values())
    ]
    if not dense or others:
        raise ConfigError(
            "answers = 'mapped' maps queries of 'dense' retrievers, and this pipeline has "
            f"{', '.join(others) or 'none'}; answers = 'old' (--answers old) migrates any"
        )
    return next(iter(dense[0].representations))
