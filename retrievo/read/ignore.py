"""Says which files of a folder git would ignore, by the .gitignore files on the way to them."""

import re
from pathlib import Path

from pathspec import GitIgnoreSpec, Pattern

from retrievo.telling import tell

Rules = tuple[tuple[Path, list[Pattern]], ...]
"""A folder and the patterns of its .gitignore, outermost folder first."""


def rules_in(folder: Path) -> Rules:
    """The folder's own .gitignore, or nothing; a line that is no pattern is told and left out."""
    path = folder / ".gitignore"
    if not path.is_file():
        return ()
    try:
        # File names may hold bytes that are not UTF-8, and so may the patterns that name them.
        text = path.read_bytes().decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    except OSError as error:
        _warn(f"{path}: {error.strerror or error}; its patterns are not applied")
        return ()
    patterns: list[Pattern] = []
    for number, line in enumerate(text.split("\n"), 1):
        # pathspec lets `a/**` match `a/` itself, so that `!a/keep` could not bring a file back;
        # to git `a/**` is only what lies inside, which `a/**/*` says in both.
        pattern = line.rstrip() + "/*" if line.rstrip().endswith("/**") else line.rstrip("\r")
        try:
            patterns += GitIgnoreSpec.from_lines([pattern]).patterns
        except (ValueError, re.error) as error:
            _warn(f"{path}: line {number}, {line!r}, is not a pattern ({error}); it is not applied")
    return ((folder, patterns),)


def rules_above(folder: Path) -> Rules:
    """The .gitignore files of the folders around an absolute one, up to the root of its repository.

    None where there is no repository, and none where the folder itself is ignored: then it was
    named by someone who knows.
    """
    around = [folder, *folder.parents]
    depth = next((i for i, at in enumerate(around) if (at / ".git").exists()), 0)
    rules: Rules = ()
    for at in reversed(around[:depth]):
        rules += rules_in(at.parent)
        if is_ignored(rules, at, folder=True):
            return ()
    return rules


def is_ignored(rules: Rules, path: Path, *, folder: bool) -> bool:
    """Whether the last pattern that names the path, in the innermost .gitignore, ignores it.

    The folders around the path are taken as not ignored: the walk does not come here otherwise.
    """
    for home, patterns in reversed(rules):
        name = path.relative_to(home).as_posix() + "/" * folder
        for pattern in reversed(patterns):
            if pattern.include is not None and _names(pattern, name):
                return pattern.include
    return False


def _names(pattern: Pattern, name: str) -> bool:
    """Whether the pattern matches the name itself, not just a folder around it.

    pathspec lets `!a/` match `a/b` too, which would bring `a/b` back against a pattern for `b`.
    Its expressions have one group: the '/' after the folder that was named.
    """
    found = pattern.match_file(name)
    if found is None:
        return False
    match: re.Match[str] = found.match
    return match.lastindex is None or match.start(match.lastindex) == len(name) - 1


def _warn(message: str) -> None:
    tell(message, stacklevel=3)
