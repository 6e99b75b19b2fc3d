"""The texts that a command is given: files and folders, a test collection, or an index."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from retrievo.cli.output import say
from retrievo.errors import ConfigError


def texts_of(paths: Sequence[Path], index: Path | None) -> Iterator[str]:
    """The title and text of each document in the paths, and the chunks of the index.

    A folder with a corpus.jsonl is a test collection; of any other the files are read as `index`
    reads them, and those that cannot be are named on stderr. Raises ConfigError where neither
    paths nor an index is given.
    """
    if not paths and index is None:
        raise ConfigError("no texts: give files, folders, a test collection, or --index DIR")
    from retrievo.evaluate.datasets import Dataset
    from retrievo.tune.judged import whole_text

    plain = [path for path in paths if not (path / "corpus.jsonl").is_file()]
    for path in paths:
        if path not in plain:
            yield from map(whole_text, Dataset(path.resolve().name, path, "", ()).documents())
    if plain:
        yield from _of_files(plain)
    if index is not None:
        yield from _of_index(index)


def _of_files(paths: list[Path]) -> Iterator[str]:
    from retrievo.config import Config
    from retrievo.config.assembly import Assembly
    from retrievo.host import Host
    from retrievo.read.walk import Walk
    from retrievo.tune.judged import whole_text

    walk = Walk(paths, Assembly(Config.of({}), Host()).part("readers"))
    yield from map(whole_text, walk)
    for skipped in walk.skipped:
        say(f"not read: {skipped.path}: {skipped.reason}")


def _of_index(index: Path) -> Iterator[str]:
    from retrievo.pipeline import Pipeline

    with Pipeline.open(index) as pipeline:
        for rows in pipeline.store.scan():
            for chunk in pipeline.store.get(rows):
                yield chunk.indexed_text
