"""A static student of an index: its texts and vectors gathered, the table fitted, or fitted on."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from retrievo.contracts import Encoder, Store
from retrievo.encode.matryoshka.heads import unit
from retrievo.encode.student.card import Fidelity, StudentCard
from retrievo.encode.student.static import StaticStudent
from retrievo.errors import ConfigError
from retrievo.ingest.report import Progress
from retrievo.telling import tell
from retrievo.tune.distill.drift import drift_of, existing
from retrievo.tune.distill.static_files import write_table
from retrievo.tune.distill.static_table import StaticTable, fit_table
from retrievo.tune.distill.student import Student
from retrievo.tune.distill.token_directions import token_directions
from retrievo.tune.distill.token_statistics import TokenStatistics, frequent_pairs
from retrievo.tune.distill.tokenizer_json import tokenizer_json
from retrievo.types import Rows, Vectors

STATISTICS_FILE = "statistics.safetensors"

Tell = Callable[[Progress], None] | None


def static_fit(store: Store, name: str, teacher: Encoder, progress: Tell) -> Student:
    """The student of all that the index holds. Raises ConfigError where it holds too little."""
    tokenizer = tokenizer_json(teacher)
    pairs = frequent_pairs(tokenizer, (text for _, texts, _ in _pieces(store) for text in texts))
    statistics: TokenStatistics | None = None
    done, total = 0, store.count()
    for rows, texts, _ in _pieces(store):
        vectors = _vectors(store, name, rows)
        if statistics is None:
            statistics = TokenStatistics(tokenizer, vectors.shape[1], pairs)
        statistics.add(rows, texts, vectors)
        done += len(rows)
        if progress is not None:
            progress(Progress(done, total, 0, "count"))
    assert statistics is not None  # the index is not empty
    return _student(store, statistics)


def refit(
    store: Store, name: str, folder: Path, card: StudentCard, progress: Tell
) -> tuple[Student, Fidelity | None]:
    """The student in the folder with what is newer in the index, and its fidelity on that before.

    Of older documents nothing is read.
    """
    statistics = TokenStatistics.load(folder / STATISTICS_FILE)
    old = StaticStudent(folder)
    before = drift_of(store, name, old, card).now
    done, gone = 0, len(statistics)
    for rows, texts, places in _pieces(store, known=statistics.rows):
        gone -= len(places)
        if len(rows):
            statistics.add(rows, texts, _vectors(store, name, rows))
        done += len(rows) + len(places)
        if progress is not None:
            progress(Progress(done, store.count(), 0, "count"))
    if gone > 0:
        tell(
            f"{gone} chunks that the student has learned from are in the index no more; what they "
            "taught it stays until it is made anew"
        )
    return _student(store, statistics), before


def _student(store: Store, statistics: TokenStatistics) -> Student:
    if not len(statistics):
        raise ConfigError("no text of the index says anything: there is nothing to learn from")
    vocabulary = statistics.counter.vocabulary
    directions = token_directions(statistics.tokenizer_json, vocabulary)
    table = fit_table(statistics, directions=directions)
    wanted, found = statistics.held_vectors, table.held_out
    if found is None:
        tell(
            f"only {len(statistics)} chunks: the student is measured on chunks that it has learned "
            "from, and is worse on others"
        )
        there = existing(store, statistics.held_rows)
        places = np.isin(statistics.held_rows, there)
        wanted = wanted[places]
        found = _encoder(statistics, table)(_texts(store, statistics.held_rows[places]))

    def write(folder: Path) -> None:
        write_table(folder, table, statistics)
        statistics.save(folder / STATISTICS_FILE)

    return Student(
        "static",
        wanted,
        found,
        statistics.held_rows,
        _encoder(statistics, table),
        table.told,
        write,
        StaticStudent,
    )


def _encoder(statistics: TokenStatistics, table: StaticTable) -> Callable[[Sequence[str]], Vectors]:
    """Queries by the table that has not seen the held-out documents."""
    counter, rows = statistics.counter, table.before

    def encode(texts: Sequence[str]) -> Vectors:
        made = np.tile(table.bias, (len(texts), 1)).astype(np.float32)
        for row, ids in enumerate(counter.ids_of(list(texts))):
            columns, counts = counter.count(ids)
            made[row] += counter.weights(columns, counts) @ rows[columns]
        return unit(made)

    return encode


def _texts(store: Store, rows: Rows) -> list[str]:
    return [chunk.indexed_text for chunk in store.get(rows)]


def _pieces(store: Store, known: Rows | None = None) -> Iterator[tuple[Rows, list[str], Rows]]:
    """Rows that are not known, and their texts; and those that are, of which nothing is read."""
    for rows in store.scan():
        there = np.isin(rows, known) if known is not None else np.zeros(len(rows), bool)
        fresh = rows[~there]
        yield fresh, _texts(store, fresh) if len(fresh) else [], rows[there]


def _vectors(store: Store, name: str, rows: Rows) -> Vectors:
    found = store.vectors(name, rows)
    assert isinstance(found, np.ndarray)
    return found
