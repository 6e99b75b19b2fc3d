"""Whether the index of a pipeline is moving, told without loading what moves it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from retrievo.contracts import Retriever
from retrievo.migrate.place import folder_of

if TYPE_CHECKING:
    from retrievo.pipeline import Pipeline


def answering(pipeline: "Pipeline", retrievers: Mapping[str, Retriever]) -> Mapping[str, Retriever]:
    """The branches that answer now: those of the pipeline, or those of its migration.

    One that was begun by another process is gone on with; but where the old encoder answers, its
    new one is not loaded for that.
    """
    if pipeline._migration is None:
        folder = folder_of(getattr(pipeline.store, "path", None))
        if folder is None:
            return retrievers
        from retrievo.migrate.beginning import resume
        from retrievo.migrate.record import read_record

        if read_record(folder).answers == "old":
            return retrievers
        pipeline._migration = resume(pipeline, folder, None)
    return pipeline._migration.retrievers(retrievers)
