"""The columns of the tables beside a summary: lines, what was measured, probes, and spreads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from harness.records import Overhead
from harness.reports.cells import heading, known, overhead_cells
from harness.stats.growth import LineChange
from harness.stats.worst import Spread
from harness.tables import NOTHING, Column
from harness.units import format_bytes


def held_at(binary: str) -> str:
    """Return the title of a table of lines."""
    return f"Held at the peaks over {binary}, by line"


def line_columns(
    arms: tuple[str, str], lines: Sequence[LineChange] = ()
) -> list[Column[LineChange]]:
    """Return the columns of lines that hold memory at the peaks of two arms, or of one alone.

    The first arm is empty without a baseline. Inputs and outputs are left out where no line can
    tell them.
    """
    columns: list[Column[LineChange]] = [
        Column("line", lambda one: one.location, kind="name", most=34),
        _held_column("baseline", arms, lambda one: one.baseline_bytes),
        _held_column("candidate", arms, lambda one: one.candidate_bytes),
        Column("inputs", lambda one: f"{one.inputs:.1f}", kind="number"),
        Column("copies", lambda one: f"{one.copies:.1f}", kind="number", header="outputs"),
        Column("code", lambda one: one.code, kind="name", most=24),
    ]
    empty = {name for name in ("inputs", "copies") if not any(getattr(x, name) for x in lines)}
    empty |= set() if arms[0] else {"baseline"}
    return [one for one in columns if one.key not in empty]


def _held_column(
    key: str, arms: tuple[str, str], held: Callable[[LineChange], int]
) -> Column[LineChange]:
    """Return the column of what an arm holds by a line; a dash where it holds nothing."""
    arm, short = heading(key, arms)
    return Column(
        key,
        lambda one: format_bytes(size) if (size := held(one)) else NOTHING,
        kind="number",
        header=arm,
        short=short,
    )


MEASURED: list[Column[tuple[str, str, str, int, str]]] = [
    Column("source", lambda one: one[0], kind="name"),
    Column("probe", lambda one: one[1], kind="name"),
    Column("metric", lambda one: one[2], kind="name", head=True),
    Column("cases", lambda one: str(one[3]), kind="number"),
    Column("replicates", lambda one: one[4], header="replicates of each"),
]
"""What was measured how often, as `harness.reports.gaps.measured` has it."""


OVERHEADS: list[Column[tuple[str, Overhead]]] = [
    Column("probe", lambda one: one[0], kind="name", head=True),
    Column("cpu", lambda one: overhead_cells(one[1])[0], kind="number", header="CPU time"),
    Column("rss", lambda one: overhead_cells(one[1])[1], kind="number", header="max RSS"),
    Column("cases", lambda one: str(one[1].cells), kind="number"),
]
"""What each probe made of the same work: its name and its overhead."""


def _spread_cell(one: Spread, at: int) -> str:
    value = one.percentiles[at]
    return f"{value:+z.1f} %" if one.unit == "percent" else known(value, one.unit)


SPREADS: list[Column[Spread]] = [
    Column("source", lambda one: one.source, kind="name"),
    Column("what", lambda one: one.what, kind="name"),
    Column("rows", lambda one: str(one.rows), kind="number"),
    *(
        Column(header, partial(_spread_cell, at=at), kind="number")
        for at, header in enumerate(("least", "5 %", "25 %", "median", "75 %", "95 %", "most"))
    ),
]
"""How peaks and their change lie over all binaries, where not all are listed."""
