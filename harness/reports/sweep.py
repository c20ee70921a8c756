"""The points of a sweep as a table: what each threshold costs, one row a binary and threshold."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.stats.labels import shorten
from harness.stats.sweep import SweepPoint
from harness.units import format_bytes, format_seconds

_NAME_WIDTH = 24


def print_sweep(points: Sequence[SweepPoint], console: Console) -> None:
    """Print the points as they come; a time that nobody took is left empty."""
    table = Table(box=None, pad_edge=False)
    table.add_column("binary", no_wrap=True)
    for name in ("threshold", "peak heap", "batches", "overshoot", "wall"):
        table.add_column(name, justify="right", no_wrap=True)
    for point in points:
        overshoot = point.overshoot_bytes
        table.add_row(
            Text(shorten(point.binary, _NAME_WIDTH)),
            format_bytes(point.threshold_bytes),
            format_bytes(point.peak_bytes),
            str(point.batches),
            "none" if overshoot is None else format_bytes(overshoot),
            "" if point.wall_s is None else format_seconds(point.wall_s),
        )
    console.print(table)
