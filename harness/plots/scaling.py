"""Peak heap over the size of what is uploaded, with the line of each arm and its slope."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from harness.plots import style
from harness.plots.scales import ByteScale, byte_scale, scale_axis
from harness.stats.frames import Frames
from harness.stats.labels import shorten
from harness.stats.scaling import BATCHES, CORPUS, ScalingPoint, SizeLine, fit_lines, scaling_points
from harness.stats.slope import Slope, readable

QUESTION = "How does the peak grow with the size of the upload?"
SIZE = "raw_bytes"
"""JSON rather than functions: a function's JSON is ten times longer in one language than another"""

_MOST_PANELS = 4
_MOST_WORDS = 5
_LINE = 0.09  # of a panel's height, for one line of text
_STEPS = 100
_PAPER = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}

Panel = tuple[str, str]
"""A series and a source."""


@style.styled()
def draw(frames: Frames) -> Figure:
    """Draw a panel for each series and source that has three inputs of different size."""
    points = scaling_points(frames)
    lines = fit_lines(points, SIZE)
    panels = list(dict.fromkeys((line.series, line.source) for line in lines))
    if not panels:
        return style.no_data(QUESTION, "it takes three verified inputs of different size")
    shown = panels[:_MOST_PANELS]
    figure, grid = style.new_panels(QUESTION, 1.2 + 3.2 * len(shown), [1] * len(shown))
    for axes, panel in zip(grid, shown, strict=True):
        own = [one for one in points if (one.series, one.source) == panel]
        _draw_panel(axes, panel, own, [x for x in lines if (x.series, x.source) == panel])
    marks = style.arm_marks(sorted({one.arm for one in points}), "-")
    interval = Patch(color=style.GREY, alpha=0.3, label="90 % interval")
    style.add_key(figure, [*marks, interval], _iter_notes(len(panels) - len(shown), len(lines)))
    return figure


def _draw_panel(
    axes: Axes, panel: Panel, points: list[ScalingPoint], lines: list[SizeLine]
) -> None:
    looks = style.arm_looks(one.arm for one in points)
    wide = byte_scale([float(one.raw_bytes) for one in points])
    high = byte_scale([one.peak_bytes for one in points])
    kinds = sorted({(one.arm, one.batches > 1) for one in points})
    for arm, several in kinds:
        some = [one for one in points if (one.arm, one.batches > 1) == (arm, several)]
        xs = [wide.of(one.raw_bytes) for one in some]
        ys = [high.of(one.peak_bytes) for one in some]
        colour, marker = looks[arm]
        axes.plot(xs, ys, marker, color=colour, fillstyle="full" if several else "none",
                  markersize=8)  # fmt: skip
        line = next((x for x in lines if (x.arm, x.flushed > 0) == (arm, several)), None)
        if line is not None and line.slope is not None:
            _draw_line(axes, line.slope, some, (wide, high), colour)
    said = lines[:_MOST_WORDS]
    for row, line in enumerate(said):
        axes.text(0.02, 0.97 - _LINE * row, _words(line), transform=axes.transAxes,
                  color=looks[line.arm][0], va="top", fontsize=10, bbox=_PAPER)  # fmt: skip
    axes.set_title(_title(panel))
    scale_axis(axes, "x", wide, "JSON that was uploaded")
    scale_axis(axes, "y", high, "Peak heap", room=_LINE * len(said))


def _draw_line(
    axes: Axes, slope: Slope, own: list[ScalingPoint], scales: tuple[ByteScale, ByteScale],
    colour: str,
) -> None:  # fmt: skip
    """Draw the line over the sizes it was fitted to, and the 90 % interval of its heights.

    The interval is that of slope and height together; the slope's alone is nothing in the middle.
    """
    wide, high = scales
    sizes = np.array([one.raw_bytes for one in own], float)
    xs = np.geomspace(max(sizes.min(), 1.0), sizes.max(), _STEPS)
    best = slope.intercept + slope.per_unit * xs
    apart = np.hypot(xs - sizes.mean(), sizes.std())
    reach = (slope.high - slope.per_unit) * apart
    low = np.maximum(best - reach, slope_floor := own[0].peak_bytes / _STEPS)
    axes.plot(xs / wide.divisor, np.maximum(best, slope_floor) / high.divisor, color=colour,
              linewidth=1.5)  # fmt: skip
    ends = low / high.divisor, (best + reach) / high.divisor
    axes.fill_between(xs / wide.divisor, *ends, color=colour, alpha=0.15, linewidth=0)


def _words(line: SizeLine) -> str:
    meaning = line.meaning.partition(";")[0]
    if line.slope is not None and not meaning.startswith("not known"):
        meaning += f" ({readable(line.slope.low)} to {readable(line.slope.high)})"
    return style.drawn(
        f"{shorten(line.arm, style.ARM_WIDTH)}, {BATCHES[line.flushed > 0]}: {meaning}"
    )


def _title(panel: Panel) -> str:
    series, source = panel
    if series == CORPUS:
        return f"All binaries (source: {style.drawn(source)})"
    return f"Prefixes of {style.case_title(series, source)}"


def _iter_notes(left_out: int, lines: int) -> Iterator[str]:
    yield "hollow: sent in one batch, which grows with the input; filled: in more, which do not"
    if lines > _MOST_WORDS:
        yield "the slopes that have no room here are in the tables of harness scaling"
    if left_out:
        yield f"{left_out} more series are in the tables"
