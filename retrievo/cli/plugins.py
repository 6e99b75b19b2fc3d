"""`retrievo plugins`: what is installed, told without importing it."""

from typing import TYPE_CHECKING, Any

from retrievo.cli.options import Debug, Json
from retrievo.cli.output import clean, say, show_json

if TYPE_CHECKING:
    from retrievo.host.registry import Registry


def components(registry: "Registry") -> list[dict[str, Any]]:
    """One record a name, in the order of the pipeline's steps.

    `kind` is singular, as in pipeline.toml; `needs` is None where nothing is missing.
    """
    rows = []
    for entry in registry.entries():
        available, needs = registry.available(entry)
        rows.append(
            {
                "kind": entry.kind.removesuffix("s"),
                "name": entry.name,
                "plugin": entry.plugin,
                "distribution": entry.distribution,
                "version": entry.version,
                "available": available,
                "needs": needs,
            }
        )
    return rows


def plugins(as_json: Json = False, debug: Debug = False) -> None:
    """List what a pipeline.toml can name.

    For each, its plugin, and whether what it depends on is installed.
    """
    from retrievo.host import Host

    registry = Host().registry
    rows = components(registry)
    if as_json:
        show_json(rows)
    else:
        _print_table(rows)
    for broken in registry.broken:
        say(f"warning: not loaded: {broken.plugin}: {broken.reason}; see `retrievo doctor`")


def _print_table(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("kind", "name", "plugin", "distribution", "available"):
        table.add_column(title, overflow="fold")
    for row in rows:
        cells = (
            row["kind"],
            row["name"],
            row["plugin"],
            f"{row['distribution'] or ''} {row['version'] or ''}".strip(),
            "yes" if row["available"] else f"no, needs {row['needs'] or 'a dependency'}",
        )
        table.add_row(*(Text(clean(cell)) for cell in cells))
    Console(highlight=False).print(table)
