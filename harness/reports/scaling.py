"""Peaks against size in a terminal: the points, the lines through them, and what they mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields

from msgspec import Struct
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.stats.labels import inert, shorten
from harness.stats.scaling import SIZES, ScalingPoint, Trend, readable
from harness.stats.slope import Slope
from harness.units import format_bytes

SCHEMA = "harness.scaling/1"
_NAME_WIDTH, _LEAST_NAME = 30, 10
_SIZES_WIDTH, _PEAK_WIDTH = 33, 11

Series = tuple[str, str]


class LineEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The straight line through the points of one arm in one series; `words` says what it means."""

    series: str
    source: str
    arm: str
    size: str
    slope: Slope
    flat_limit: float
    flushed: int
    is_flat: bool
    words: str


class ScalingDocument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `harness scaling --json` prints of one run."""

    schema: str = SCHEMA
    run_id: str
    points: list[ScalingPoint]
    trends: list[LineEntry]


def scaling_document(
    run_id: str, points: Sequence[ScalingPoint], lines: Sequence[Trend]
) -> ScalingDocument:
    """Return points and lines of one run."""
    return ScalingDocument(
        run_id=run_id,
        points=list(points),
        trends=[
            LineEntry(
                **{field.name: getattr(line, field.name) for field in fields(line)},
                is_flat=line.is_flat,
                words=line.in_words(),
            )
            for line in lines
        ],
    )


def print_scaling(
    points: Sequence[ScalingPoint], lines: Sequence[Trend], size: str, console: Console
) -> None:
    """Print a table of peaks for each series, and below it a sentence an arm."""
    for series in dict.fromkeys((point.series, point.source) for point in points):
        mine = [point for point in points if (point.series, point.source) == series]
        name, source = series
        title = f"{shorten(name, _NAME_WIDTH)}, source {inert(source)}"
        console.print(Text(title, style="bold"))
        console.print(_table(mine, console.width))
        for text in _iter_sentences(series, mine, lines, size):
            console.print(text)
        console.print()


def _table(points: Sequence[ScalingPoint], width: int) -> Table:
    """Return one row an input; names get what the numbers leave, so that none of those is cut."""
    arms = sorted({point.arm for point in points})
    room = max(_LEAST_NAME, width - _SIZES_WIDTH - _PEAK_WIDTH * len(arms))
    peaks = {(point.binary, point.arm): point for point in points}
    grid = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    grid.add_column(Text("binary"), no_wrap=True)
    for header in ("functions", "DIEs", "JSON", *(shorten(arm, 10) for arm in arms)):
        grid.add_column(Text(header), justify="right", no_wrap=True)
    for binary, point in {point.binary: point for point in points}.items():
        cells = (peaks.get((binary, arm)) for arm in arms)
        grid.add_row(
            Text(shorten(binary, min(room, _NAME_WIDTH))),
            f"{point.functions:,}",
            "-" if point.dies is None else f"{point.dies:,}",
            format_bytes(point.raw_bytes),
            *("missing" if cell is None else format_bytes(cell.peak_bytes) for cell in cells),
        )
    return grid


def _iter_sentences(
    series: Series, points: Sequence[ScalingPoint], lines: Sequence[Trend], size: str
) -> Iterator[Text]:
    drawn = {line.arm: line for line in lines if (line.series, line.source) == series}
    for arm in sorted({point.arm for point in points}):
        name = inert(arm)
        if arm not in drawn:
            yield Text(f"{name}: no line: it takes three inputs whose {size} are known and differ")
            continue
        line = drawn[arm]
        yield Text.assemble((f"{name}: {line.in_words()}", "bold"), f" {_support(line)}")
        if line.flushed < line.slope.points:
            yield Text(f"  {_reach(line)}", style="dim")


def _reach(line: Trend) -> str:
    """Say how far the line goes: the first batch grows with the input, later ones do not."""
    if not line.flushed:
        return "no input needed more than one batch: nothing is known of larger ones"
    told = f"{line.flushed} of {line.slope.points} inputs needed more than one batch"
    return f"{told}: from there on the batch bounds the peak"


def _support(line: Trend) -> str:
    low, high = (readable(end) for end in (line.slope.low, line.slope.high))
    interval = f"90 % interval {low} to {high} bytes per {SIZES[line.size]}"
    return f"({interval}, {line.slope.points} inputs, R2 {line.slope.r_squared:.2f})"
