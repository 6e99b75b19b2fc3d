"""How a command gets its pipeline from --config and --index."""

from pathlib import Path
from typing import TYPE_CHECKING

from retrievo.cli.options import DEFAULT_INDEX

if TYPE_CHECKING:
    from retrievo.pipeline import Pipeline


def open_pipeline(config: Path | None, index: Path | None) -> "Pipeline":
    """The pipeline of the configuration, or of the index itself; a new index takes the defaults.

    Nothing is made on disk before something is indexed. Raises ConfigError, and StoreError and
    what derives from it for an index that cannot be opened.
    """
    from retrievo.pipeline import Pipeline

    folder = index or DEFAULT_INDEX
    return Pipeline.from_toml(config, index=folder) if config else Pipeline.open(folder)
