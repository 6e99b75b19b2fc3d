"""A progress bar on stderr, where stderr is a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import ProgressColumn, Task, TaskID
    from rich.text import Text

    from retrievo.ingest.report import Progress


@contextmanager
def progress_bar() -> Iterator["Callable[[Progress], None] | None"]:
    """What to call with each Progress: it draws a bar, the speed per second and the time left.

    None where stderr is not a terminal.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar

    with Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _speed_column(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        tasks: dict[str, TaskID] = {}

        def draw(done: "Progress") -> None:
            if done.stage == "done":
                return
            if done.stage not in tasks:
                tasks[done.stage] = bar.add_task(done.stage, total=done.total)
            bar.update(tasks[done.stage], completed=done.documents, total=done.total)

        yield draw


def _speed_column() -> "ProgressColumn":
    from rich.progress import ProgressColumn
    from rich.text import Text

    class Speed(ProgressColumn):
        def render(self, task: "Task") -> "Text":
            unit = {"search": "queries", "train": "steps"}.get(task.description, "documents")
            return Text(f"{task.speed:,.0f} {unit}/s" if task.speed else "")

    return Speed()
