"""A plot of accuracy by the length of documents."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from retrievo.evaluate.long_context import LongReport


def plot(reports: Mapping[str, LongReport], path: str | Path) -> None:
    """Write a line for each report, by its name, as the picture that the path's suffix says."""
    matplotlib.rcParams["svg.hashsalt"] = "retrievo"  # the same picture has the same bytes
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name, report in reports.items():
        axes.plot(list(report.accuracy), list(report.accuracy.values()), marker="o", label=name)
    axes.set_xscale("log", base=2)
    lengths = sorted({tokens for report in reports.values() for tokens in report.accuracy})
    axes.set_xticks(lengths, [f"{n // 1024}k" if n >= 1024 else str(n) for n in lengths])
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel("tokens a document (.75 words each)")
    axes.set_ylabel("accuracy@1")
    axes.set_title(", ".join(dict.fromkeys(report.task for report in reports.values())))
    axes.legend()
    figure.savefig(path, metadata={"Date": None} if str(path).endswith(".svg") else None)
