"""How far replicates of the same measurement lie from each other, and which are exact."""

from __future__ import annotations

import math
from collections.abc import Iterator

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from harness.plots import style
from harness.plots.scales import plain_log
from harness.stats.frames import Frames
from harness.stats.scatter import Scatter, scatters

QUESTION = "How far apart are replicates of one measurement?"
_NAME_WIDTH = 26
_LINEAR_UP_TO_PCT = 0.01
_APART = 0.18


@style.styled()
def draw(frames: Frames) -> Figure:
    """Draw one lane per arm and metric: each replicate against the mean of its cell."""
    everything = scatters(frames)
    found = [one for one in everything if one.cells]
    if not found:
        return style.no_data(QUESTION, "no measurement was taken twice")
    metrics = list(dict.fromkeys(one.metric for one in found))
    arms = sorted({one.arm for one in found})
    figure = style.new_figure(QUESTION, 2.6 + max(0.7, 0.24 * len(arms)) * len(metrics))
    axes = figure.add_subplot()
    for one in found:
        _draw_lane(axes, one, _place(one, metrics, found))
    _finish(axes, metrics, found)
    marks = style.arm_marks(arms)
    reach = style.mark(style.BLACK, "|", "90 % of replicates", "-")
    style.add_key(figure, [*marks, reach], _iter_notes(everything))
    return figure


def _place(one: Scatter, metrics: list[str], found: list[Scatter]) -> float:
    """Return the height of a lane: metrics from above, and within each its arms."""
    arms = sorted({other.arm for other in found})
    middle = (len(arms) - 1) / 2
    apart = min(_APART * 2, 0.8 / len(arms))
    return len(metrics) - 1 - metrics.index(one.metric) + apart * (middle - arms.index(one.arm))


def _draw_lane(axes: Axes, one: Scatter, place: float) -> None:
    colour, marker = style.arm_looks([one.arm])[one.arm]
    places = [place] * len(one.deviations_pct)
    axes.plot(one.deviations_pct, places, marker, color=colour, alpha=0.45, markersize=5)
    if one.reach_pct:
        axes.errorbar(0, place, xerr=one.reach_pct, color=style.BLACK, capsize=4, linewidth=1.2)
    style.write_beside(axes, place, _remark(one), va="center", fontsize=10, color=colour)


def _remark(one: Scatter) -> str:
    """Say how many cells agree to the digit, and how far the others reach."""
    if one.exact_cells == one.cells:
        return "exact" if one.cells == 1 else f"exact in all {one.cells} cells"
    reach = "" if one.reach_pct is None else f"\N{PLUS-MINUS SIGN}{_short(one.reach_pct)} %"
    return f"{reach}, exact in {one.exact_cells} of {one.cells}" if one.exact_cells else reach


def _short(value: float) -> str:
    return f"{value:.2g}" if value < 99.5 else f"{value:,.0f}"


def _finish(axes: Axes, metrics: list[str], found: list[Scatter]) -> None:
    furthest = max(abs(value) for one in found for value in [*one.deviations_pct, 0.0])
    furthest = max([furthest, _LINEAR_UP_TO_PCT, *(one.reach_pct or 0.0 for one in found)])
    end = _nice(furthest)
    labels = style.drawn_labels(metrics, _NAME_WIDTH)
    axes.axvline(0, color=style.BLACK, linewidth=0.8, zorder=1)
    axes.set_xscale("symlog", linthresh=_LINEAR_UP_TO_PCT)
    axes.set_xlim(-end * 1.1, end * 1.1)
    plain_log(axes.xaxis)
    decades = [value for value in (100.0, 10.0, 1.0, 0.1, 0.01) if value <= end / 4]
    axes.xaxis.set_major_locator(_both_sides([end, *decades][::2]))
    axes.xaxis.set_minor_locator(_both_sides(decades))  # without room for a number, but with a line
    axes.grid(which="minor", axis="x")
    axes.set_xlabel("Distance from the mean of its cell (%, log scale beyond 0.01 %)")
    style.name_rows(axes, [labels[metric] for metric in reversed(metrics)])


def _both_sides(ticks: list[float]) -> FixedLocator:
    """Return ticks at zero and on both sides of it."""
    return FixedLocator([-value for value in ticks] + [0.0] + ticks[::-1])


def _nice(furthest: float) -> float:
    """Return the next number that is easy to read: 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(furthest))
    return next(step * power for step in (1, 2, 5, 10) if furthest <= step * power * (1 + 1e-9))


def _iter_notes(everything: list[Scatter]) -> Iterator[str]:
    yield "a cell is one binary under one source; the bar is from the spread pooled over cells"
    single = max(one.single_cells for one in everything)
    if single:
        yield f"in up to {single} cells a metric has one replicate, and no known spread"
    never = [one.metric for one in everything if not one.cells]
    if never:
        yield style.drawn(f"never measured twice: {', '.join(dict.fromkeys(never))}")
