"""Peak heap over the size of what is uploaded, with the line of each arm and its slope."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from harness.plots.scales import ByteScale, byte_scale
from harness.plots.style import (
    GREY,
    add_key,
    arm_looks,
    arm_marks,
    case_title,
    drawn,
    new_panels,
    no_data,
    styled,
)
from harness.stats.frames import Frames
from harness.stats.scaling import (
    CORPUS,
    ScalingPoint,
    SizeLine,
    fit_lines,
    scaling_points,
)
from harness.stats.slope import readable

QUESTION = "How does the peak grow with the size of the upload?"
SIZE = "raw_bytes"
"""JSON rather than functions: a function's JSON is ten times longer in one language than another"""

_MOST_PANELS = 4
_ROOM_ABOVE = 1.5
_PAPER = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}

Panel = tuple[str, str]
"""A series and a source."""


@styled()
def draw(frames: Frames) -> Figure:
    """Draw a panel for each series and source that has three inputs of different size."""
    points = scaling_points(frames)
    lines = fit_lines(points, SIZE)
    panels = list(dict.fromkeys((line.series, line.source) for line in lines))
    if not panels:
        return no_data(QUESTION, "it takes three verified inputs of different size")
    shown = panels[:_MOST_PANELS]
    figure, grid = new_panels(QUESTION, 1.2 + 3.2 * len(shown), [1] * len(shown))
    for axes, panel in zip(grid, shown, strict=True):
        own = [one for one in points if (one.series, one.source) == panel]
        _draw_panel(axes, panel, own, [x for x in lines if (x.series, x.source) == panel])
    marks = arm_marks(sorted({one.arm for one in points}), "-")
    interval = Patch(color=GREY, alpha=0.3, label="90 % interval")
    add_key(figure, [*marks, interval], _iter_notes(len(panels) - len(shown)))
    return figure


def _draw_panel(
    axes: Axes, panel: Panel, points: list[ScalingPoint], lines: list[SizeLine]
) -> None:
    looks = arm_looks(one.arm for one in points)
    wide = byte_scale([float(one.raw_bytes) for one in points], may_be_log=False)
    high = byte_scale([one.peak_bytes for one in points], may_be_log=False)
    for arm, several in sorted({(one.arm, one.batches > 1) for one in points}):
        some = [one for one in points if (one.arm, one.batches > 1) == (arm, several)]
        xs = [wide.of(one.raw_bytes) for one in some]
        ys = [high.of(one.peak_bytes) for one in some]
        colour, marker = looks[arm]
        axes.plot(xs, ys, marker, color=colour, fillstyle="full" if several else "none",
                  markersize=8, clip_on=False)  # fmt: skip
    for row, line in enumerate(lines):
        colour = looks[line.arm][0]
        own = [one for one in points if one.arm == line.arm]
        _draw_line(axes, line, own, (wide, high), colour)
        axes.text(0.02, 0.98 - 0.1 * row, _words(line), transform=axes.transAxes, color=colour,
                  va="top", fontsize=10, bbox=_PAPER)  # fmt: skip
    axes.set_title(_title(panel))
    axes.set_xlim(0, wide.of(wide.high) * 1.05)
    axes.set_ylim(0, high.of(high.high) * _ROOM_ABOVE)
    axes.set_xlabel(f"JSON that was uploaded ({wide.unit})")
    axes.set_ylabel(f"Peak heap ({high.unit})")


def _draw_line(
    axes: Axes, line: SizeLine, own: list[ScalingPoint], scales: tuple[ByteScale, ByteScale],
    colour: str,
) -> None:  # fmt: skip
    """Draw the line, and what the interval of its slope allows it to turn about its middle."""
    wide, high = scales
    sizes = np.array([one.raw_bytes for one in own], float)
    ends = np.array([0.0, sizes.max()])
    middle = line.slope.intercept + line.slope.per_unit * sizes.mean()
    low, best, top = (
        high.of(1.0) * (middle + slope * (ends - sizes.mean()))
        for slope in (line.slope.low, line.slope.per_unit, line.slope.high)
    )
    axes.plot(wide.of(1.0) * ends, best, color=colour, linewidth=1.5)
    axes.fill_between(wide.of(1.0) * ends, low, top, color=colour, alpha=0.15, linewidth=0)


def _words(line: SizeLine) -> str:
    low, high = readable(line.slope.low), readable(line.slope.high)
    return drawn(f"{line.arm}: {line.words} (90 %: {low} to {high})")


def _title(panel: Panel) -> str:
    series, source = panel
    if series == CORPUS:
        return f"All binaries (source: {drawn(source)})"
    return f"Prefixes of {case_title(series, source)}"


def _iter_notes(left_out: int) -> Iterator[str]:
    yield "hollow: sent in one batch, so the limit that bounds it was never reached"
    if left_out:
        yield f"{left_out} more series are in the tables"
