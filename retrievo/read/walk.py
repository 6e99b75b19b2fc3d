"""Makes documents of files and folders, and an account of what it left out and why."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from retrievo.contracts import Reader
from retrievo.errors import ConfigError, ReadError, RetrievoError
from retrievo.metadata import SOURCE_PATH
from retrievo.read.ignore import Rules, is_ignored, rules_above, rules_in
from retrievo.types import Document

EMPTY = "empty"

KNOWN_PLUGINS = {".pdf": "retrievo-pdf"}
"""Suffixes that a separate distribution reads."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that gave no documents, or not all of them, and why."""

    path: Path
    reason: str


class _Entry(NamedTuple):
    path: Path
    name: str
    """Relative to the folder given, with '/'."""


class Walk:
    """The documents of files and folders, in the order given and sorted by name inside folders.

    Hidden files, indexes of Retrievo and what .gitignore leaves out are counted in `ignored` (a
    folder once); every other file that is not read stands in `skipped`: those known by name and
    size from the start, the others as the iteration comes to them. `files` are those that will
    be read. A file named in `paths` is read even if it is hidden or ignored. Links to folders
    are not followed.

    A document's id is the file's path relative to the folder given, or the name of a file given.
    A reader with `many = True` gives ids of its own; those that begin with '#' are completed with
    that path. A reader's `streamed` suffixes have no `max_bytes`: it reads them in pieces.

    `unread` holds what may still be there and was not read whole.
    `emptied` holds the ids that files with nothing in them would have: what an index has under
    these is no longer so. `on_file` is called as each of `files` is begun. Raises ReadError for
    a path that is not there, ConfigError where two readers claim one suffix; a file that cannot
    be read never raises.
    """

    def __init__(
        self,
        paths: str | Path | Iterable[str | Path],
        readers: Mapping[str, Reader],
        *,
        max_bytes: int = 50_000_000,
        on_file: Callable[[Path], object] | None = None,
    ) -> None:
        self.skipped: list[Skipped] = []
        self.ignored = 0
        self.unread: set[Path] = set()
        self.emptied: dict[str, list[Path]] = {}
        self.max_bytes = max_bytes
        self.on_file = on_file
        self._readers = _by_suffix(readers)
        self._entries: list[_Entry] = []
        self._listed: dict[str, Path] = {}
        for path in [paths] if isinstance(paths, (str, Path)) else paths:
            if _is_folder(path):
                self._list(Path(path))
            else:
                self._consider(_Entry(Path(path), Path(path).name))
        self.files: list[Path] = [entry.path for entry in self._entries]
        self._skipped_by_listing = tuple(self.skipped)

    @property
    def holds_many(self) -> bool:
        """Whether some file may hold more than one document."""
        readers = (self._readers[path.suffix.lower()] for path in self.files)
        return any(getattr(reader, "many", False) for reader in readers)

    def __iter__(self) -> Iterator[Document]:
        self.skipped[:] = self._skipped_by_listing
        homes: dict[str, Path] = {}
        for entry in self._entries:
            if self.on_file is not None:
                self.on_file(entry.path)
            yield from self._read(entry, homes)

    def _read(self, entry: _Entry, homes: dict[str, Path]) -> Iterator[Document]:
        path, name = entry
        reader = self._readers[path.suffix.lower()]
        many = getattr(reader, "many", False)
        given = 0
        repeated: list[str] = []
        try:
            for document in reader.read(path):
                if given and not many:
                    raise ReadError(
                        f"{type(reader).__name__} gave a second document of one file, but does "
                        "not say `many = True`"
                    )
                if not isinstance(document, Document):
                    raise ReadError(
                        f"{type(reader).__name__} gave a {type(document).__name__}, "
                        "a Document is wanted"
                    )
                made = _finish(document, path, name, many=many)
                if made.id in homes:
                    repeated.append(made.id)
                    continue
                homes[made.id] = path
                given += 1
                yield made
        except Exception as error:  # a plugin's reader may raise anything; the rest goes on
            # An OSError of the system carries its text in strerror; str() repeats the path.
            reason = getattr(error, "strerror", None) or str(error)
            if not isinstance(error, (RetrievoError, OSError, UnicodeError)):
                reason = f"{type(reader).__name__} raised {type(error).__name__}: {reason}"
            after = f"stopped after {given} documents: " if given else ""
            self._skip(path, after + reason.removeprefix(f"{path}: "))
            return
        if repeated:
            self._skip(path, _repeats(repeated, homes[repeated[0]], path, given))
        elif not given:
            self._skip(path, "no document in it")
        if getattr(reader, "incomplete", False):
            self.unread.add(path)

    def _list(self, root: Path) -> None:
        # A stack, not recursion: a folder may be nested deeper than Python's stack.
        top = Path(os.path.abspath(root))
        stack: list[tuple[Path, bool, Rules]] = [(top, True, rules_above(top))]
        while stack:
            at, folder, rules = stack.pop()
            shown = root / at.relative_to(top)
            if not folder:
                self._consider(_Entry(shown, at.relative_to(top).as_posix()))
                continue
            if not _is_unicode(at.name):
                self._skip(shown, "its name is not valid UTF-8; rename it")
                continue
            try:
                inside = sorted(os.scandir(at), key=lambda found: found.name, reverse=True)
            except OSError as error:
                self._skip(shown, error.strerror or str(error))
                continue
            if {"catalog.sqlite", "vectors"} <= {found.name for found in inside}:
                self.ignored += 1  # an index of Retrievo's own, made where the documents are
                if at != top:
                    continue
                inside = [found for found in inside if not _is_of_an_index(found.name)]
            rules += rules_in(at)
            for found in inside:
                path, folder = at / found.name, found.is_dir(follow_symlinks=False)
                if found.name.startswith(".") or is_ignored(rules, path, folder=folder):
                    self.ignored += 1
                else:
                    stack.append((path, folder, rules))

    def _consider(self, entry: _Entry) -> None:
        reason = self._reason(entry.path)
        if reason is None:
            first = self._listed.setdefault(os.path.abspath(entry.path), entry.path)
            if first is entry.path:
                self._entries.append(entry)
                return
            self.skipped.append(Skipped(entry.path, f"already read as {first}"))
            return
        elif reason == EMPTY:
            self.emptied.setdefault(entry.name, []).append(entry.path)
            self.skipped.append(Skipped(entry.path, reason))
            return
        self._skip(entry.path, reason)

    def _reason(self, path: Path) -> str | None:
        """Why a file will not be read, None where it will."""
        if not _is_unicode(path.name):
            return "its name is not valid UTF-8; rename it"
        try:
            found = path.stat()
        except FileNotFoundError:
            return "a link to nothing"
        except OSError as error:
            return error.strerror or str(error)
        if stat.S_ISDIR(found.st_mode):
            return "a link to a folder; name the folder itself to read it"
        if not stat.S_ISREG(found.st_mode):
            return "not a regular file"
        suffix = path.suffix.lower()
        reader = self._readers.get(suffix)
        if reader is None:
            wanted = f"; pip install {KNOWN_PLUGINS[suffix]}" if suffix in KNOWN_PLUGINS else ""
            return f"no reader for {suffix or 'files without a suffix'}{wanted}"
        if found.st_size == 0:
            return EMPTY
        if found.st_size > self.max_bytes and suffix not in getattr(reader, "streamed", ()):
            return f"{found.st_size:,} bytes, more than max_bytes = {self.max_bytes:,}; split it"
        return None

    def _skip(self, path: Path, reason: str) -> None:
        self.skipped.append(Skipped(path, reason))
        self.unread.add(path)


def _finish(document: Document, path: Path, name: str, *, many: bool) -> Document:
    doc_id = name
    if many:
        doc_id = name + document.id if document.id.startswith("#") else document.id
    # The path as it was given can be opened from here; the id cannot.
    given = Path(os.path.normpath(path)).as_posix()
    metadata = {"path": given, **document.metadata}
    if metadata["path"] != given:
        # A key of its own stays; where the document came from must not depend on it.
        metadata[SOURCE_PATH] = given
    return replace(document, id=doc_id, metadata=metadata)


def _repeats(repeated: list[str], first: Path, path: Path, given: int) -> str:
    if first == path:
        return f"{len(repeated)} documents repeat an id of this file, {repeated[0]!r} first"
    if given or len(repeated) > 1:
        return f"{len(repeated)} documents repeat an id, {repeated[0]!r} of {first} first"
    return (
        f"its id {repeated[0]!r} is that of {first}; index the folder that holds both, "
        "so that ids differ"
    )


def _by_suffix(readers: Mapping[str, Reader]) -> dict[str, Reader]:
    names: dict[str, str] = {}
    for name, reader in readers.items():
        for suffix in sorted(reader.suffixes):
            if names.setdefault(suffix, name) != name:
                raise ConfigError(
                    f"the readers {names[suffix]!r} and {name!r} both read {suffix}; "
                    "hand over one of them, or block one's plugin with RETRIEVO_BLOCK"
                )
    return {suffix: readers[name] for suffix, name in names.items()}


def _is_unicode(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_of_an_index(name: str) -> bool:
    return name in ("vectors", "holder.json") or name.startswith("catalog.sqlite")


def _is_folder(path: str | Path) -> bool:
    """Whether it is a folder. Raises ReadError where nothing is there."""
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        text = str(path)
        shown = text if len(text) <= 60 else f"{text[:60]}..."
        looks_like_text = "\n" in text or len(text.split()) > 3
        hint = "; to index a text, hand over Document(text=...)" if looks_like_text else ""
        why = getattr(error, "strerror", None) or str(error)
        raise ReadError(f"cannot read {shown!r}: {why}{hint}") from error
