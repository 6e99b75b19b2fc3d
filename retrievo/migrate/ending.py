"""How a migration ends: the new index takes the old one's place, or all of it is given up."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from retrievo.config import Config
from retrievo.contracts import Store
from retrievo.errors import StoreError
from retrievo.migrate.migration import Migration
from retrievo.migrate.place import FOLDER, READY

if TYPE_CHECKING:
    from retrievo.pipeline import Pipeline

MIGRATED_FROM = "migrated_from"
"""The note of a passport that tells the encoder that an index had before."""


def take_place(pipeline: "Pipeline", migration: Migration) -> None:
    """Have the new index take the old one's place, and the pipeline be one of the new encoder."""
    with pipeline._use.writing():
        encoder = migration.new._assembly.part("encoder")
        old_encoder = pipeline._assembly.built("encoder")
        owned = "encoder" not in pipeline._given
        config, given = exchange(pipeline, migration)
        if owned and hasattr(old_encoder, "close"):
            old_encoder.close()
        pipeline._setup(config, pipeline.host, given, pipeline._index)
        if "encoder" not in given:
            pipeline._assembly.adopt("encoder", encoder)  # it is loaded: nobody waits for it again


def check_undecided(pipeline: "Pipeline") -> None:
    """Raise StoreError where the exchange is decided: then it can only be finished."""
    path = getattr(pipeline.store, "path", None)
    if isinstance(path, Path):
        _check(path / FOLDER)


def give_up(pipeline: "Pipeline", migration: Migration) -> None:
    """Remove what was moved; the pipeline answers as it did before."""
    path = getattr(pipeline.store, "path", None)
    with pipeline._use.writing():
        pipeline._migration = pipeline._answers = None
        migration.new.close()
        if isinstance(path, Path):
            remove(path / FOLDER)


def exchange(pipeline: "Pipeline", migration: Migration) -> tuple[Config, dict[str, Any]]:
    """The configuration and the given parts of the pipeline whose index the new one now is.

    Nobody may use the pipeline meanwhile.
    """
    new, old_store = migration.new, pipeline.store
    store: Store = new._assembly.part("store")
    tables = {**migration.record.tables}
    if "encoder" in new.config.tables:  # with the secrets that a record does not keep
        tables["encoder"] = new.config.tables["encoder"]
    config = Config.of(tables, source=pipeline.config.source)
    stored = {"tables": config.without_secrets(), "objects": migration.record.objects}
    passport = store.passport()
    assert passport is not None
    notes = {**passport.notes, MIGRATED_FROM: migration.record.old}
    store.stamp(replace(passport, notes=notes), stored)
    given = {name: part for name, part in new._given.items() if name != "store"}
    if "persistent" in old_store.capabilities:
        store.close()
        try:
            cast(Any, old_store).exchange()
        except BaseException:
            path = getattr(old_store, "path", None)
            if isinstance(path, Path) and not (path / FOLDER / READY).exists():
                store.open(None)  # nothing was decided: all is as it was, and may be done again
            raise
        given["store"] = old_store
    else:
        old_store.close()
        given["store"] = store
    return config, given


def remove(folder: Path) -> None:
    """Remove the folder of a migration; a kill in between leaves none that could go on."""
    _check(folder)
    gone = folder.with_name(f"{folder.name}.done")
    shutil.rmtree(gone, ignore_errors=True)
    if folder.exists():
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def _check(folder: Path) -> None:
    if (folder / READY).exists():
        raise StoreError(
            f"the migration in {folder} is complete and is being put in place: close the pipeline "
            "and open the index again, which finishes that"
        )
