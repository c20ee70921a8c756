"""Levels over many runs, one line per experiment, with a mark where a level changed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from msgspec import Struct

from harness.plots.style import (
    BLACK,
    BLUE,
    GREY,
    VERMILLION,
    add_key,
    drawn,
    drawn_labels,
    mark,
    name_rows,
    new_panels,
    no_data,
    styled,
    write_beside,
)
from harness.records import Manifest
from harness.stats.labels import shorten
from harness.stats.metrics import Metrics
from harness.units import format_value

QUESTION = "When did it change, and by how much?"
_MOST_ROWS, _MOST_TICKS, _MOST_REASONS = 7, 16, 4
_NAME_WIDTH, _RUN_WIDTH, _REASON_WIDTH = 14, 12, 70
_ROOM = 0.16  # for one number, in widths of a panel
_LEAST_SWING_PCT = 5.0  # a change smaller than this does not fill its line
_SWING = 0.36  # how far from the middle of its line a level may be drawn
_UP, _DOWN, _BREAK = (VERMILLION, "^"), (BLUE, "v"), (BLACK, "X")


@styled()
def draw(history: pd.DataFrame) -> Figure:
    """Draw one panel per metric and source: peak heap, and the time it took where measured."""
    chosen = history[history["metric"].isin(_chosen(history))]
    if chosen.empty:
        return no_data(QUESTION, "no run measured anything that could be followed")
    panels = list(_iter_panels(chosen))
    heights = [len(panel.lines) + 0.9 for panel in panels]
    figure, grid = new_panels(QUESTION, 2.6 + 0.48 * sum(heights), heights, sharex=True)
    runs = _runs(chosen)
    for axes, panel in zip(grid, panels, strict=True):
        _draw_panel(axes, panel, {run: place for place, run in enumerate(runs)})
    _label_runs(grid[-1], runs, chosen)
    add_key(figure, _iter_marks(chosen), _iter_notes(chosen, panels))
    return figure


def _chosen(history: pd.DataFrame) -> list[str]:
    """Return the best definition of peak heap that was measured, and of time."""
    measured, metrics = set(history["metric"]), Metrics(Manifest())
    times = [name for name in metrics.compared if metrics[name].unit == "second"]
    known = [[name for name in kind if name in measured][:1] for kind in (metrics.peaks, times)]
    return [name for found in known for name in found] or sorted(measured)[:1]


class _MetricPanel(Struct, frozen=True):
    """What one panel shows: the lines with the largest changes on top, out of `of`."""

    title: str
    lines: Sequence[pd.DataFrame]
    of: int


def _iter_panels(history: pd.DataFrame) -> Iterator[_MetricPanel]:
    for (metric, source), rows in history.groupby(["metric", "source"], sort=True):
        changes = rows["delta_pct"].abs().where(rows["step"] != "")
        largest = changes.groupby([rows["binary"], rows["arm"]], sort=True).max().fillna(-1.0)
        chosen = largest.sort_values(ascending=False, kind="stable").index[:_MOST_ROWS]
        lines = [rows[(rows["binary"] == one) & (rows["arm"] == arm)] for one, arm in chosen]
        exact = ", exact" if bool(rows["exact"].all()) else ""
        yield _MetricPanel(drawn(f"{metric}, {source}{exact}"), lines[::-1], len(largest))


def _runs(history: pd.DataFrame) -> dict[str, str]:
    """Return the name of each run, in the order of their start."""
    ordered = history.sort_values(["started_at", "run_id"], kind="stable")
    return dict(zip(ordered["run_id"], ordered["name"], strict=True))


def _draw_panel(axes: Axes, panel: _MetricPanel, places: dict[str, int]) -> None:
    axes.set_title(panel.title)
    places_of = [(str(line["binary"].iloc[0]), str(line["arm"].iloc[0])) for line in panel.lines]
    binaries = drawn_labels((binary for binary, _ in places_of), _NAME_WIDTH)
    arms = drawn_labels((arm for _, arm in places_of), _NAME_WIDTH)
    labels = [f"{binaries[binary]}, {arms[arm]}" for binary, arm in places_of]
    swing = max([_LEAST_SWING_PCT, *(abs(value) for line in panel.lines for value in _drift(line))])
    for row, line in enumerate(panel.lines):
        _draw_line(axes, row, line, places, swing)
        last = line.iloc[-1]
        write_beside(axes, row, drawn(format_value(float(last["level"]), str(last["unit"]))))
    name_rows(axes, labels, above=0.9)


def _drift(line: pd.DataFrame) -> list[float]:
    """Return the levels in per cent of the first one."""
    first = float(line["level"].iloc[0])
    return [100 * (float(level) / first - 1) if first else 0.0 for level in line["level"]]


def _draw_line(
    axes: Axes, row: int, line: pd.DataFrame, places: dict[str, int], swing: float
) -> None:
    xs = [places[run] for run in line["run_id"]]
    ys = [row + _SWING * drift / swing for drift in _drift(line)]
    axes.plot(xs, ys, color=GREY, linewidth=1.2, marker=".", markersize=4, zorder=2)
    said = _said(line, xs, _ROOM * len(places))
    for x, y, step, delta in zip(xs, ys, line["step"], line["delta_pct"], strict=True):
        if step:
            colour, marker = _look(str(step), float(delta))
            axes.plot(x, y, marker, color=colour, markersize=7, zorder=3)
        if x in said:
            axes.annotate(
                _per_cent(float(delta)), (x, y), (0, 5), textcoords="offset points",
                ha="center", fontsize=10, color=BLACK, zorder=4,
            )  # fmt: skip


def _said(line: pd.DataFrame, xs: Sequence[int], apart: float) -> set[int]:
    """Return the places of the changes that are said in numbers: the largest that have room."""
    steps = zip(xs, line["step"], line["delta_pct"].abs(), strict=True)
    said: set[int] = set()
    for x, step, _ in sorted(steps, key=lambda found: -found[2]):
        if step and all(abs(x - other) >= apart for other in said):
            said.add(x)
    return said


def _look(step: str, delta_pct: float) -> tuple[str, str]:
    if step == "break":
        return _BREAK
    return _UP if delta_pct > 0 else _DOWN


def _per_cent(delta_pct: float) -> str:
    if not math.isfinite(delta_pct):
        return "from nothing"
    text = f"{delta_pct:+.1f}" if abs(delta_pct) >= 1 else f"{delta_pct:+.1g}"
    return f"{text} %".replace("-", "\N{MINUS SIGN}")


def _label_runs(axes: Axes, runs: dict[str, str], history: pd.DataFrame) -> None:
    """Name the runs below the last panel; of many, those where something changed."""
    order = list(runs)
    stepped = set(history.loc[history["step"] != "", "run_id"])
    wanted = [place for place, run in enumerate(order) if run in stepped]
    if len(order) <= _MOST_TICKS:
        wanted = list(range(len(order)))
    elif len(wanted) > _MOST_TICKS or not wanted:
        wanted = list(range(0, len(order), -(-len(order) // _MOST_TICKS)))
    names = [drawn(shorten(runs[order[place]], _RUN_WIDTH)) for place in wanted]
    axes.set_xticks(wanted, names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_xlim(-0.5, max(len(order) - 1, 1) + 0.7)
    axes.set_xlabel("Commit, or run where that is not known (oldest first)")


def _iter_marks(history: pd.DataFrame) -> Iterator[Line2D]:
    yield mark(GREY, ".", "one run", "-", linewidth=1.2)
    shift, delta = history["step"] == "shift", history["delta_pct"]
    for look, label, there in (
        (_UP, "more than before", shift & (delta > 0)),
        (_DOWN, "less than before", shift & (delta <= 0)),
        (_BREAK, "declared break", history["step"] == "break"),
    ):
        if there.any():
            yield mark(*look, label, markersize=8)


def _iter_notes(history: pd.DataFrame, panels: Iterable[_MetricPanel]) -> Iterator[str]:
    yield "right: the latest level; heights are in proportion within a panel"
    reasons = list(dict.fromkeys(text for text in map(str, history["reason"]) if text))
    for reason in reasons[:_MOST_REASONS]:
        yield f"break: {drawn(shorten(reason, _REASON_WIDTH))}"
    if len(reasons) > _MOST_REASONS:
        yield f"and {len(reasons) - _MOST_REASONS} other reasons for breaks"
    for panel in panels:
        unseen = panel.of - len(panel.lines)
        if unseen:
            more = "1 more experiment is" if unseen == 1 else f"{unseen} more experiments are"
            yield f"{panel.title}: {more} not drawn; none changed more than these"
    changed = bool((history["step"] != "").any())
    yield "in numbers: the largest changes that have room" if changed else "no level changed"
