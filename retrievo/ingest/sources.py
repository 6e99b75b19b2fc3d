"""What a user hands to `index`, made into a stream of documents."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrievo.contracts import Reader
from retrievo.errors import DocumentError
from retrievo.types import Document

if TYPE_CHECKING:
    from retrievo.read.walk import Skipped, Walk


class Sources:
    """Iterates documents (or what can become one) of paths, documents, mappings, or a mix.

    `readers` is asked for once a path comes. `total` is the number of documents or files where the
    input tells it. `skipped` fills as files are read. A str is a path. Iterators are read as they
    are, one item at a time.
    """

    def __init__(self, given: Any, readers: Callable[[], Mapping[str, Reader]]) -> None:
        self._readers = readers
        self._walks: list[Walk] = []
        self._paths: list[Path] = []
        self._all_paths = True
        self.total: int | None = None
        if isinstance(given, (str, Path)):
            given = [given]
        elif isinstance(given, (Document, Mapping)) or not isinstance(given, Iterable):
            given = [given]
        if isinstance(given, (list, tuple)):
            if given and all(isinstance(item, (str, Path)) for item in given):
                # Together, so that two files that would get one id are noticed.
                walk = self._walk(given)
                # A file of many documents counts as what is in it, which nobody knows yet.
                self.total = None if walk.holds_many else len(walk.files)
                given = walk
            else:
                self.total = len(given)
        self._given: Iterable[object] = given

    def __iter__(self) -> Iterator[object]:
        is_walk = any(self._given is walk for walk in self._walks)
        for item in self._given:
            if isinstance(item, (str, Path)):
                yield from self._walk([item])
            else:
                self._all_paths = self._all_paths and is_walk
                yield item

    @property
    def folders(self) -> list[Path] | None:
        """The paths given; None where documents were given as well."""
        return self._paths if self._all_paths else None

    @property
    def skipped(self) -> "list[Skipped]":
        return [skipped for walk in self._walks for skipped in walk.skipped]

    def told(self) -> list[str]:
        """A sentence for each file that was not read."""
        return [f"{skipped.path}: {skipped.reason}" for skipped in self.skipped]

    @property
    def unread(self) -> list[Path]:
        """Files and folders that were not read, or not to their end."""
        return [path for walk in self._walks for path in walk.unread]

    @property
    def emptied(self) -> dict[str, list[Path]]:
        """Files that have nothing in them, by the id that their document would have."""
        found: dict[str, list[Path]] = {}
        for walk in self._walks:
            for name, paths in walk.emptied.items():
                found.setdefault(name, []).extend(paths)
        return found

    def _walk(self, paths: Iterable[str | Path]) -> "Walk":
        from retrievo.read.walk import Walk  # searching needs no readers

        self._paths += map(Path, paths)
        walk = Walk(paths, self._readers())
        self._walks.append(walk)
        return walk


def check_ids(doc_ids: str | Iterable[str]) -> list[str]:
    """The ids as a list; a single str is one id. Raises DocumentError for what is not a str."""
    ids = [doc_ids] if isinstance(doc_ids, str) else list(doc_ids)
    for name in ids:
        if not isinstance(name, str):
            raise DocumentError(f"a document's id is a str, not a {type(name).__name__}: {name!r}")
    # A document with an id that cannot be encoded is refused: there is none to find.
    return [name for name in ids if name.isascii() or _can_be_encoded(name)]


def _can_be_encoded(name: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in name)
