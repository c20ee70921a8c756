"""What each pipeline holds at its peak, in copies of its payload, stacked by stage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from msgspec import Struct

from harness.plots import style
from harness.stats.copies import first_replicates
from harness.stats.frames import Frames
from harness.units import format_bytes

QUESTION = "How many copies of the payload are alive at the peak?"
# None of the colours that stand for arms in the other pictures.
_STAGES = {
    "extraction": style.SKY,
    "scope tree": style.ORANGE,
    "JSON": style.PURPLE,
    "gzip": style.GREEN,
    "multipart": style.YELLOW,
    "HTTP": style.BLACK,
    "other": style.GREY,
}
_FOREIGN = "#BBBBBB"
_MOST_BARS = 12
_OWN_SCALE = 1 / 5
"""Arms whose usual bar is shorter than this, of the longest usual one, have their own panel."""
_CUT = 3.0
"""A bar longer than this, in medians of its panel, is cut: it would make all others unreadable."""
_NAME_WIDTH = 20
_THICK = 0.36
_CASE = ["source", "binary", "arm", "stage"]


class _Panel(Struct, frozen=True):
    """Bars on one scale, the largest peak last: copies by stage, and bytes."""

    title: str
    bars: pd.DataFrame
    sizes: list[float]
    of: int


@style.styled()
def draw(frames: Frames) -> Figure:
    """Draw each first replicate's high-water mark; arms that hold far less have their own scale."""
    held, sizes = _held(frames.copies)
    if held.empty:
        return style.no_data(QUESTION, "no replicate under memray succeeded in sending a payload")
    panels = list(_iter_panels(held, sizes))
    heights = [len(panel.bars) + 2.4 for panel in panels]
    figure, grid = style.new_panels(QUESTION, 1.6 + 0.25 * sum(heights), heights)
    for axes, panel in zip(grid, panels, strict=True):
        _draw_panel(axes, panel)
    marks = (
        Patch(color=_colour(stage), label=style.drawn(stage)) for stage in _in_order(held.columns)
    )
    style.add_key(figure, marks, _iter_notes(panels))
    return figure


def _held(copies: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series[float]]:
    """Return the copies by source, binary and arm, a column per stage, and the bytes of each."""
    known = copies[copies["copies"] > 0]
    if known.empty:
        return pd.DataFrame(), pd.Series(dtype=float)
    rows = first_replicates(known)
    held = rows.pivot_table("copies", _CASE[:-1], _CASE[-1], aggfunc="sum", fill_value=0.0)
    return held, rows.groupby(_CASE[:-1])["bytes"].sum()


def _iter_panels(held: pd.DataFrame, sizes: pd.Series[float]) -> Iterator[_Panel]:
    """Yield for each source the arms that hold most, then those that need a scale of their own."""
    for source in sorted(held.index.unique("source")):
        of = held.xs(source, level="source", drop_level=False)
        usual = of.sum(axis=1).groupby("arm").median()
        small = usual < _OWN_SCALE * usual.max()
        for arms in (sorted(usual.index[~small]), sorted(usual.index[small])):
            if arms:
                yield _panel(of[of.index.get_level_values("arm").isin(arms)], sizes, arms)


def _panel(bars: pd.DataFrame, sizes: pd.Series[float], arms: Sequence[str]) -> _Panel:
    own = sizes[bars.index]
    highest = own.groupby("binary").transform("max")
    order = pd.DataFrame({"high": highest, "size": own}).sort_values(
        ["high", "size"], kind="stable"
    )
    shown = order.index[-_MOST_BARS:]
    title = style.source_title(str(bars.index[0][0]))
    if len(arms) == 1:
        title = f"{title}: {style.drawn_labels(arms, _NAME_WIDTH)[arms[0]]}"
    return _Panel(title, bars.loc[shown], own[shown].tolist(), len(bars))


def _draw_panel(axes: Axes, panel: _Panel) -> None:
    totals = panel.bars.sum(axis=1).to_numpy(float)
    end = min(float(totals.max()), _CUT * float(np.median(totals)))
    left = np.zeros(len(totals))
    for stage in _in_order(panel.bars.columns):
        right = left + panel.bars[stage].to_numpy(float)
        boxes = _boxes(left.clip(max=end), right.clip(max=end), _colour(stage))
        axes.add_collection(boxes, autolim=False)
        left = right
    for place, (total, size) in enumerate(zip(totals, panel.sizes, strict=True)):
        cut = "cut: " if total > end else ""
        copies = f"{total:.1f}" if total >= 1 else f"{total:.2f}"
        axes.text(min(total, end) + end / 80, place, f"{cut}{copies} ({format_bytes(size)})",
                  va="center", fontsize=10, color=style.GREY)  # fmt: skip
    axes.set_title(panel.title)
    style.name_rows(
        axes, style.row_labels([(binary, arm) for _, binary, arm in panel.bars.index], _NAME_WIDTH)
    )
    axes.set_xlim(0, end * 1.32)
    axes.xaxis.set_major_locator(MaxNLocator(7, integer=end >= 2))
    axes.set_xlabel("Live heap at the peak (copies of the payload)")


def _boxes(left: np.ndarray, right: np.ndarray, colour: str) -> PolyCollection:
    """Return one artist for all parts of one stage: one each takes several times as long."""
    places = np.arange(len(left), dtype=float)
    low, high = places - _THICK, places + _THICK
    corners = np.stack([left, low, left, high, right, high, right, low], axis=1)
    return PolyCollection(list(corners.reshape(-1, 4, 2)), facecolor=colour)


def _colour(stage: str) -> str:
    return _STAGES.get(stage, _FOREIGN)


def _in_order(stages: pd.Index[str]) -> list[str]:
    """Return the known stages in the order data takes, then any other."""
    return [s for s in _STAGES if s in stages] + sorted(set(stages) - set(_STAGES))


def _iter_notes(panels: list[_Panel]) -> Iterator[str]:
    yield "a copy is the JSON of the largest batch; beside each bar, its sum in copies and in bytes"
    lost = sum(panel.of - len(panel.bars) for panel in panels)
    if lost:
        yield f"{lost} bars with lower peaks are not drawn"
