"""Levels over many runs, one line per experiment, with a mark where a level changed."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from msgspec import Struct

from harness.plots import style
from harness.records import Manifest
from harness.stats.labels import shorten
from harness.stats.metrics import Metrics
from harness.stats.trends import LevelChange, Trend
from harness.units import format_value

QUESTION = "When did it change, and by how much?"
_MOST_ROWS, _MOST_TICKS, _MOST_REASONS = 7, 16, 4
_NAME_WIDTH, _RUN_WIDTH, _REASON_WIDTH = 14, 12, 70
_ROOM = 0.16  # for one number, in widths of a panel
_LEAST_SWING_PCT = 5.0  # a change smaller than this does not fill its line
_SWING = 0.36  # how far from the middle of its line a level may be drawn
_UP, _DOWN, _BREAK = (style.VERMILLION, "^"), (style.BLUE, "v"), (style.BLACK, "X")
_MEANINGS = {_UP: "more than before", _DOWN: "less than before", _BREAK: "declared break"}


@style.styled()
def draw(trends: Sequence[Trend]) -> Figure:
    """Draw one panel per metric and source: peak heap, and the time it took where measured."""
    metrics = _chosen({one.metric for one in trends})
    chosen = [one for one in trends if one.metric in metrics]
    if not chosen:
        return style.no_data(QUESTION, "no run measured anything that could be followed")
    panels = list(_iter_panels(chosen))
    heights = [len(panel.lines) + 0.9 for panel in panels]
    figure, grid = style.new_panels(QUESTION, 2.6 + 0.48 * sum(heights), heights, sharex=True)
    runs = _runs(chosen)
    for axes, panel in zip(grid, panels, strict=True):
        _draw_panel(axes, panel, {run: place for place, run in enumerate(runs)})
    _label_runs(grid[-1], runs, {step.run_id for one in chosen for step in one.changes})
    style.add_key(figure, _iter_marks(chosen), _iter_notes(chosen, panels))
    return figure


def _chosen(measured: Collection[str]) -> list[str]:
    """Return the best definition of peak heap that was measured, and of time."""
    metrics = Metrics(Manifest())
    times = [name for name in metrics.compared if metrics[name].unit == "second"]
    known = [[name for name in kind if name in measured][:1] for kind in (metrics.peaks, times)]
    return [name for found in known for name in found] or sorted(measured)[:1]


class _MetricPanel(Struct, frozen=True):
    """What one panel shows: the trends with the largest changes on top, out of `of`."""

    title: str
    lines: Sequence[Trend]
    of: int


def _iter_panels(trends: Sequence[Trend]) -> Iterator[_MetricPanel]:
    for metric, source in sorted({(one.metric, one.source) for one in trends}):
        own = [one for one in trends if (one.metric, one.source) == (metric, source)]
        own.sort(key=lambda one: (-one.largest_change_pct, one.binary, one.arm))
        exact = ", exact" if all(one.exact for one in own) else ""
        yield _MetricPanel(
            style.drawn(f"{metric}, {source}{exact}"), own[:_MOST_ROWS][::-1], len(own)
        )


def _runs(trends: Iterable[Trend]) -> dict[str, str]:
    """Return the name of each run, in the order of their start."""
    runs = sorted((run.started_at, run.run_id, run.name) for one in trends for run in one.runs)
    return {run_id: name for _, run_id, name in runs}


def _draw_panel(axes: Axes, panel: _MetricPanel, places: Mapping[str, int]) -> None:
    axes.set_title(panel.title)
    swing = max([_LEAST_SWING_PCT, *(abs(value) for line in panel.lines for value in _drift(line))])
    for row, line in enumerate(panel.lines):
        _draw_line(axes, row, line, places, swing)
        style.write_beside(axes, row, style.drawn(format_value(line.runs[-1].level, line.unit)))
    cases = [(line.binary, line.arm) for line in panel.lines]
    style.name_rows(axes, style.row_labels(cases, _NAME_WIDTH, always=True), above=0.9)


def _drift(line: Trend) -> list[float]:
    """Return the levels in per cent of the first one."""
    first = line.runs[0].level
    return [100 * (run.level / first - 1) if first else 0.0 for run in line.runs]


def _draw_line(axes: Axes, row: int, line: Trend, places: Mapping[str, int], swing: float) -> None:
    xs = [places[run.run_id] for run in line.runs]
    ys = [row + _SWING * drift / swing for drift in _drift(line)]
    axes.plot(xs, ys, color=style.GREY, linewidth=1.2, marker=".", markersize=4, zorder=2)
    changes = {places[change.run_id]: change for change in line.changes}
    said = _said({x: abs(one.percent) for x, one in changes.items()}, _ROOM * len(places))
    for x, change in changes.items():
        y = ys[xs.index(x)]
        colour, marker = _look(change)
        axes.plot(x, y, marker, color=colour, markersize=7, zorder=3)
        if x in said:
            axes.annotate(
                _per_cent(change.percent), (x, y), (0, 5), textcoords="offset points",
                ha="center", fontsize=10, color=style.BLACK, zorder=4,
            )  # fmt: skip


def _said(sizes: Mapping[int, float], apart: float) -> set[int]:
    """Return the places of the changes that are said in numbers: the largest that have room."""
    said: set[int] = set()
    for x in sorted(sizes, key=lambda x: -sizes[x]):
        if all(abs(x - other) >= apart for other in said):
            said.add(x)
    return said


def _look(change: LevelChange) -> tuple[str, str]:
    if change.kind == "break":
        return _BREAK
    return _UP if change.percent > 0 else _DOWN


def _per_cent(delta_pct: float) -> str:
    if not math.isfinite(delta_pct):
        return "from nothing"
    text = f"{delta_pct:+.1f}" if abs(delta_pct) >= 1 else f"{delta_pct:+.1g}"
    return f"{text} %".replace("-", "\N{MINUS SIGN}")


def _label_runs(axes: Axes, runs: Mapping[str, str], changed: Collection[str]) -> None:
    """Name the runs below the last panel; of many, those where something changed."""
    names = [style.drawn(shorten(name, _RUN_WIDTH)) for name in runs.values()]
    wanted = [place for place, run in enumerate(runs) if run in changed]
    if len(names) <= _MOST_TICKS:
        wanted = list(range(len(names)))
    elif len(wanted) > _MOST_TICKS or not wanted:
        wanted = list(range(0, len(names), -(-len(names) // _MOST_TICKS)))
    axes.set_xticks(
        wanted, [names[place] for place in wanted], rotation=45, ha="right", rotation_mode="anchor"
    )
    axes.set_xlim(-0.5, max(len(names) - 1, 1) + 0.7)
    axes.set_xlabel("Commit, or run where that is not known (oldest first)")


def _iter_marks(trends: Iterable[Trend]) -> Iterator[Line2D]:
    yield style.mark(style.GREY, ".", "one run", "-", linewidth=1.2)
    looks = {_look(change) for one in trends for change in one.changes}
    for look, label in _MEANINGS.items():
        if look in looks:
            yield style.mark(*look, label, markersize=8)


def _iter_notes(trends: Sequence[Trend], panels: Iterable[_MetricPanel]) -> Iterator[str]:
    yield "right: the latest level; heights are in proportion within a panel"
    changes = [change for one in trends for change in one.changes]
    reasons = list(dict.fromkeys("; ".join(one.reasons) for one in changes if one.reasons))
    for reason in reasons[:_MOST_REASONS]:
        yield f"break: {style.drawn(shorten(reason, _REASON_WIDTH))}"
    if len(reasons) > _MOST_REASONS:
        yield f"and {len(reasons) - _MOST_REASONS} other reasons for breaks"
    for panel in panels:
        unseen = panel.of - len(panel.lines)
        if unseen:
            more = "1 more experiment is" if unseen == 1 else f"{unseen} more experiments are"
            yield f"{panel.title}: {more} not drawn; none changed more than these"
    yield "in numbers: the largest changes that have room" if changes else "no level changed"
