"""How a migration begins, goes on after a kill, ends, and is given up."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrievo.config import Config
from retrievo.config.references import without_secrets
from retrievo.contracts import Encoder
from retrievo.encode.space_map import SpaceMap
from retrievo.errors import ConfigError, MismatchError, StoreError
from retrievo.identity import encoder_identity
from retrievo.ingest.report import Progress
from retrievo.migrate.configuration import with_encoder
from retrievo.migrate.ending import remove
from retrievo.migrate.migration import Migration
from retrievo.migrate.parts import check, dense_name, new_pipeline
from retrievo.migrate.place import folder_of
from retrievo.migrate.record import Answers, Record, Scale, read_record
from retrievo.tune.migrate.choice import MapReport, choose_map
from retrievo.tune.migrate.pairs import sample_pairs, scale_of

if TYPE_CHECKING:
    from retrievo.pipeline import Pipeline

FEWEST = 50
"""Held-out sentences, with fewer of which a bad map was taken for a good one (limit_small)."""


def begin_or_resume(
    pipeline: "Pipeline",
    encoder: Encoder | Mapping[str, Any] | None,
    answers: Answers,
    recut: bool,
    sample: int,
    with_old: bool | None,
    min_share: float,
    force: bool,
    seed: int,
    progress: Callable[[Progress], None] | None,
) -> Migration:
    """See `Pipeline.migrate`."""
    if encoder is None and pipeline._migration is not None:
        return pipeline._migration
    folder = folder_of(getattr(pipeline.store, "path", None))
    if pipeline._migration is not None:
        raise _under_way(pipeline._migration.record)
    if encoder is None or folder is not None:
        with pipeline._turn:
            made = resume(pipeline, folder, encoder)
        if (answers == "old") > (made.record.answers == "old") or recut > made.record.recut:
            made.new.close()
            raise ConfigError(
                f"the migration that is under way was begun with answers = "
                f"{made.record.answers!r}, recut = {made.record.recut}: leave these out to go on "
                "with it, or give it up first (`retrievo migrate --cancel`)"
            )
    else:
        made = begin(
            pipeline,
            encoder,
            answers=answers,
            recut=recut,
            sample=sample,
            with_old=with_old,
            min_share=min_share,
            force=force,
            seed=seed,
            progress=progress,
        )
    # Searches go on while texts are encoded and maps are fitted; only this moment is alone.
    with pipeline._writes:
        made.reconcile()  # with what was written since it was begun
        with pipeline._use.writing():
            pipeline._migration, pipeline._answers = made, None
    return made


def begin(
    pipeline: "Pipeline",
    encoder: Encoder | Mapping[str, Any],
    *,
    answers: Answers,
    recut: bool,
    sample: int,
    with_old: bool | None,
    min_share: float,
    force: bool,
    seed: int,
    progress: Callable[[Progress], None] | None,
) -> Migration:
    """The migration of the pipeline's index to the encoder, where none is under way."""
    store = pipeline.store
    folder = check(pipeline, store, encoder, answers, recut)
    passport = store.passport()
    assert passport is not None
    table = encoder if isinstance(encoder, Mapping) else None
    keep_chunks = not recut and "chunker" not in pipeline._given
    given = "query_encoder" in pipeline._given
    config, told = with_encoder(
        pipeline.config, table, passport, keep_chunks=keep_chunks, query_encoder=given
    )
    new = new_pipeline(pipeline, config, None if table is not None else encoder, folder)
    made: Encoder = new._assembly.part("encoder")
    if made.fingerprint == passport.encoder.get("fingerprint"):
        raise ConfigError("the index was made with this encoder; there is nothing to migrate")
    space_map: SpaceMap | None = None
    report: dict[str, Any] = {}
    scale: Scale | None = None
    if answers == "mapped":
        old = pipeline._assembly.part("encoder")
        name = dense_name(pipeline)
        pairs, cheap = sample_pairs(store, name, old, made, most=sample, progress=progress)
        # Two encoders see more than one; but nobody shall pay for two models a query unasked.
        both = cheap if with_old is None else with_old
        space_map, found = choose_map(pairs, min_share=min_share, seed=seed, with_old=both)
        report = found.as_dict()
        if not force:
            _judge(found, with_old=both)
        scale = Scale(**scale_of(pairs, space_map))
    record = Record(
        answers=answers,
        old=passport.encoder,
        new=encoder_identity(made),
        recut=recut,
        tables=config.without_secrets(),
        objects=new._binding._stored()["objects"],
        report=report,
        scale=scale,
        notes=told,
    )
    # What cannot be built is told before anything is written.
    _check_whole_documents(new._assembly.part("retrievers"), recut=recut)
    if folder is not None:
        _write(folder, record, space_map)
    try:
        new._binding.for_writing(None)
        return Migration(pipeline, new, record, space_map)
    except BaseException:
        new.close()
        if folder is not None:
            remove(folder)
        raise


def resume(pipeline: "Pipeline", folder: Path | None, encoder: object) -> Migration:
    """The migration in the folder, as far as it has come.

    `encoder` is the new encoder where it was an object. Raises ConfigError where it is missing, and
    where there is no migration, or another one.
    """
    if folder is None:
        raise ConfigError("no migration is under way; name the encoder to migrate to")
    record = read_record(folder)
    given: dict[str, Any] | None = None
    if isinstance(encoder, Mapping):
        # A record keeps no secrets: whoever hands the table over brings them along again.
        given = dict(encoder)
        if without_secrets(given, None) != record.tables.get("encoder"):
            raise _under_way(record)
        encoder = None
    elif encoder is not None and "encoder" not in record.objects:
        raise _under_way(record)
    if "encoder" in record.objects and encoder is None:
        raise ConfigError(
            f"the index is moving to an encoder that was an object "
            f"({record.objects['encoder']}); hand it over: pipeline.migrate(encoder)"
        )
    tables = record.tables if given is None else {**record.tables, "encoder": given}
    config = Config.of(tables, source=pipeline.config.source)
    new = new_pipeline(pipeline, config, encoder, folder)
    try:
        made: Encoder = new._assembly.part("encoder")
        if made.fingerprint != record.new.get("fingerprint"):
            raise MismatchError(
                f"the index is moving to {record.new.get('model') or record.new.get('name')} as "
                f"{record.new.get('fingerprint')}, and the encoder is {made.fingerprint}: hand "
                "over the one that it was begun with, or give the migration up (`retrievo migrate "
                "--cancel`)"
            )
        space_map = _map_of(folder, record)
        new._binding.for_writing(None)
        return Migration(pipeline, new, record, space_map)
    except BaseException:
        new.close()
        raise


def _map_of(folder: Path, record: Record) -> SpaceMap | None:
    if record.answers != "mapped":
        return None
    try:
        found = SpaceMap.load(folder)
        if record.scale is None or (found.dim_in, found.dim_out) != (
            record.new.get("dim"),
            record.old.get("dim"),
        ):
            raise ConfigError("it does not fit its record")
    except ConfigError as error:
        raise StoreError(
            f"the map of the migration in {folder} cannot be used ({error}): the index itself is "
            "whole; give the migration up (`retrievo migrate --cancel`) and begin it again"
        ) from error
    return found


def _judge(found: MapReport, *, with_old: bool) -> None:
    """Raise MismatchError for a map that loses too much, or that too few sentences speak for."""
    ways = (
        "answers = 'old' (--answers old) keeps the old encoder's answers until all is moved, force "
        "(--force) takes the map as it is"
    )
    if found.held_out < FEWEST:
        raise MismatchError(
            f"the migration is not begun: {found.held_out} held-out sentences are too few to judge "
            f"a map by, {FEWEST} are wanted; {ways}"
        )
    if not found.accepted:
        if not with_old:
            ways = f"with_old = True (--with-old) asks both encoders meanwhile; {ways}"
        raise MismatchError(
            "the migration is not begun: the map's answers are too far from the index's own. "
            f"{found.verdict}; {ways}"
        )


def _under_way(record: Record) -> ConfigError:
    return ConfigError(
        f"a migration to {record.new.get('model') or record.new.get('name')} is under way: go on "
        "with it (migrate() without an encoder), or give it up with its cancel() (`retrievo "
        "migrate --cancel`)"
    )


def _write(folder: Path, record: Record, space_map: SpaceMap | None) -> None:
    """The folder with all that a migration needs to go on, whole or not at all."""
    new = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    try:
        new.mkdir()
        if space_map is not None:
            space_map.save(new)
        record.save(new)
        new.rename(folder)
    except OSError as error:
        shutil.rmtree(new, ignore_errors=True)
        raise StoreError(
            f"cannot begin a migration in {folder}: {error.strerror or error}"
        ) from error


def _check_whole_documents(retrievers: Mapping[str, Any], *, recut: bool) -> None:
    """Raise ConfigError where vectors depend on documents, of which an index keeps chunks alone."""
    for name, retriever in retrievers.items():
        if getattr(retriever, "whole_document", False) and not recut:
            raise ConfigError(
                f"[retrievers.{name}] reads whole documents with their titles, and an index keeps "
                "chunks: migrate with answers = 'old' and recut = True, and give finish the sources"
            )
