"""Peaks against size in a terminal: the points, the lines through them, and what they mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from rich.console import Console
from rich.text import Text

from harness.printing import print_table
from harness.stats.labels import inert, shorten
from harness.stats.scaling import BATCHES, SIZES, ScalingPoint, SizeLine
from harness.stats.slope import Slope, readable
from harness.tables import NOTHING, Column
from harness.units import format_bytes

SCHEMA = "harness.scaling/1"
_NAME_WIDTH, _ARM_WIDTH = 30, 10

_Case = tuple[str, str]


class ScalingDocument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `harness scaling --json` prints of one run."""

    schema: str = SCHEMA
    run_id: str
    points: list[ScalingPoint]
    trends: list[SizeLine]


def print_scaling(
    points: Sequence[ScalingPoint], lines: Sequence[SizeLine], size: str, console: Console
) -> None:
    """Print a table of peaks for each series, and below it a sentence for each line."""
    for series in dict.fromkeys((point.series, point.source) for point in points):
        mine = [point for point in points if (point.series, point.source) == series]
        name, source = series
        title = f"{shorten(name, _NAME_WIDTH)}, source {inert(source)}"
        console.print(Text(title, style="bold"))
        inputs = {point.binary: point for point in mine}
        print_table(_columns(mine), list(inputs.values()), console)
        for text in _iter_sentences(series, mine, lines, size):
            console.print(text)
        console.print()


def _columns(points: Sequence[ScalingPoint]) -> list[Column[ScalingPoint]]:
    """Return the columns of a series: what an input is, and the peak of each arm over it."""
    peaks = {(point.binary, point.arm): format_bytes(point.peak_bytes) for point in points}
    return [
        Column("binary", lambda point: point.binary, kind="name", most=_NAME_WIDTH),
        Column("functions", lambda point: f"{point.functions:,}", kind="number"),
        Column(
            "dies",
            lambda point: NOTHING if point.dies is None else f"{point.dies:,}",
            kind="number",
            header="DIEs",
        ),
        Column("raw", lambda point: format_bytes(point.raw_bytes), kind="number", header="JSON"),
        *(_peak_column(arm, peaks) for arm in sorted({point.arm for point in points})),
    ]


def _peak_column(arm: str, peaks: Mapping[tuple[str, str], str]) -> Column[ScalingPoint]:
    return Column(
        f"peak of {arm}",
        lambda point: peaks.get((point.binary, arm), "missing"),
        kind="number",
        header=shorten(arm, _ARM_WIDTH),
    )


def _iter_sentences(
    series: _Case, points: Sequence[ScalingPoint], lines: Sequence[SizeLine], size: str
) -> Iterator[Text]:
    own = [line for line in lines if (line.series, line.source) == series]
    found = {(line.arm, line.flushed > 0): line for line in own}
    for arm, several in sorted({(point.arm, point.batches > 1) for point in points}):
        name = f"{inert(arm)}, {BATCHES[several]}"
        line = found.get((arm, several))
        if line is None:
            yield Text(f"{name}: no line: it takes three inputs whose {size} are known and differ")
        else:
            support = _support(line.slope, SIZES[line.size]) if line.slope else ""
            yield Text.assemble((f"{name}: {inert(line.meaning)}", "bold"), support)
    if all(point.batches <= 1 for point in points):
        told = "no input needed more than one batch: nothing is known of larger ones"
        yield Text(f"  {told}", style="dim")


def _support(slope: Slope, unit: str) -> str:
    low, high = readable(slope.low), readable(slope.high)
    interval = f"90 % interval {low} to {high} bytes per {unit}"
    return f" ({interval}, {slope.points} inputs, R2 {slope.r_squared:.2f})"
