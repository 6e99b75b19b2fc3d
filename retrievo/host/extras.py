"""Whether the dependencies of an entry are installed, without importing them."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrievo.host.registry import Entry

_REQUIREMENT = re.compile(
    r"\s*([A-Za-z0-9][\w.-]*)\s*(?:\[([^\]]*)\])?\s*\(?([^;)]*)\)?\s*(?:;(.*))?"
)
_EXTRA_ONLY = re.compile(r"""\s*extra\s*==\s*['"]([^'"]+)['"]\s*""")
_FLOOR = re.compile(r">=\s*(\d+(?:\.\d+)*)")


def pip_line(entry: "Entry") -> str | None:
    """The command that installs what the entry needs; None where no distribution is known."""
    if entry.distribution is None:
        return None
    if entry.extra is None:
        return f"pip install --upgrade {entry.distribution}"
    return f"pip install '{entry.distribution}[{entry.extra}]'"


def available(entry: "Entry") -> tuple[bool, str | None]:
    """(True, None), or False and the requirements of the entry's extra that are not met.

    An entry without an extra, or of a plugin object that was handed in, is available.
    """
    if entry.extra is None or entry.distribution is None:
        return True, None
    wanted = _of_extra(entry.distribution, entry.extra)
    if wanted is None:
        return False, f"the extra {entry.extra!r}, which {entry.distribution} does not declare"
    missing = [shown for name, floor, shown in wanted if not _met(name, floor)]
    return (False, ", ".join(missing)) if missing else (True, None)


def _of_extra(name: str, extra: str) -> list[tuple[str, str, str]] | None:
    """(distribution, least version or "", as written) of each; None for an unknown extra."""
    declared = _declared(name)
    if _normal(extra) not in declared:
        return None
    found: list[tuple[str, str, str]] = []
    for text in declared[_normal(extra)]:
        match = _REQUIREMENT.fullmatch(text)
        if match is None:
            continue
        wanted, extras, versions, _ = match.groups()
        if _normal(wanted) == _normal(name):  # all = ["retrievo[models,qdrant]"]
            for other in (extras or "").split(","):
                found += _of_extra(name, other.strip()) or ()
            continue
        floor = _FLOOR.search(versions)
        shown = f"{wanted}{versions.strip()}"
        found.append((wanted, floor.group(1) if floor else "", shown))
    return found


def _declared(name: str) -> dict[str, list[str]]:
    """The requirements of each extra of a distribution."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return _of_checkout(name)
    extras: dict[str, list[str]] = {
        _normal(extra): [] for extra in found.metadata.get_all("Provides-Extra") or ()
    }
    for text in found.requires or ():
        # A marker beside the extra's (a platform, say) takes a real parser to judge; the import
        # tells where such a requirement is not met.
        requirement, _, marker = text.partition(";")
        of = _EXTRA_ONLY.fullmatch(marker)
        if of:
            extras.setdefault(_normal(of.group(1)), []).append(requirement)
    return extras


def _of_checkout(name: str) -> dict[str, list[str]]:
    # A checkout that is only on the path has no metadata, but the file that it is made of.
    project = Path(__file__).parent.parent / "pyproject.toml"
    if name != "retrievo" or not project.is_file():
        return {}
    extras = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    return {_normal(extra): list(needs) for extra, needs in extras.items()}


def _met(name: str, floor: str) -> bool:
    try:
        found = version(name)
    except PackageNotFoundError:
        return False
    return _numbers(found) >= _numbers(floor)


def _numbers(text: str) -> tuple[int, ...]:
    match = re.match(r"\d+(?:\.\d+)*?(?=(?:\.0+)*(?![.\d]))", text)
    return tuple(int(part) for part in match.group().split(".")) if match else ()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
