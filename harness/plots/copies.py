"""What each pipeline holds at its peak, stacked by stage, one pair of bars a binary."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from harness.plots.scales import ByteScale, byte_scale, scale_x
from harness.plots.style import (
    BLACK,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    YELLOW,
    add_key,
    drawn,
    drawn_labels,
    new_panels,
    no_data,
    source_title,
    styled,
)
from harness.stats.copies import first_replicates
from harness.stats.frames import Frames

QUESTION = "What is alive at the peak of each pipeline?"
# None of the colours that stand for arms in the other pictures.
_STAGES = {
    "extraction": SKY,
    "scope tree": ORANGE,
    "JSON": PURPLE,
    "gzip": GREEN,
    "multipart": YELLOW,
    "HTTP": BLACK,
    "other": GREY,
}
_FOREIGN = "#BBBBBB"
_MOST_BINARIES = 12
_LEAST_SHARE = 0.1
"""A bar shorter than this, of the longest one's length, shows no stages to anybody."""
_NAME_WIDTH = 20
_BARS = 0.76  # of the room that a binary has
_CASE = ["source", "binary", "arm", "stage"]


@styled()
def draw(frames: Frames) -> Figure:
    """Draw one panel a source; each bar is the first replicate's high-water mark, by stage."""
    held = _held(frames.copies)
    if held.empty:
        return no_data(QUESTION, "no replicate under memray succeeded")
    sources = sorted(held.index.unique("source"))
    panels = [(source, _largest(held.loc[source])) for source in sources]
    arms = max(2, len(held.index.unique("arm")))
    heights = [len(panel.index.unique("binary")) * arms / 2 + 1.5 for _, panel in panels]
    scale = byte_scale(held.sum(axis=1).tolist(), may_be_log=False)
    figure, grid = new_panels(QUESTION, 1.5 + 0.42 * sum(heights), heights)
    for axes, (source, panel) in zip(grid, panels, strict=True):
        axes.set_title(source_title(source))
        _draw_panel(axes, panel, scale, arms)
    marks = (Patch(color=_colour(stage), label=drawn(stage)) for stage in _in_order(held.columns))
    add_key(figure, marks, _iter_notes(held, panels))
    return figure


def _held(copies: pd.DataFrame) -> pd.DataFrame:
    """Return bytes by source, binary and arm, a column a stage, of each one's first replicate."""
    if copies.empty:
        return pd.DataFrame()
    rows = first_replicates(copies)
    return rows.pivot_table("bytes", _CASE[:-1], _CASE[-1], aggfunc="sum", fill_value=0.0)


def _largest(panel: pd.DataFrame) -> pd.DataFrame:
    """Return the binaries with the highest peaks, as many as one can read, the highest last."""
    peaks = panel.sum(axis=1).groupby("binary").max().sort_values(kind="stable")
    readable = peaks[peaks >= _LEAST_SHARE * peaks.max()]
    return panel.loc[list(readable.index[-_MOST_BINARIES:])]


def _draw_panel(axes: Axes, panel: pd.DataFrame, scale: ByteScale, arms: int) -> None:
    binaries = list(dict.fromkeys(panel.index.get_level_values("binary")))
    labels = drawn_labels(binaries, _NAME_WIDTH)
    for place, binary in enumerate(binaries):
        for number, (arm, stages) in enumerate(panel.loc[binary].iterrows()):
            height, left = place + _BARS * (0.5 - (number + 0.5) / arms), 0.0
            for stage in _in_order(stages.index[stages > 0]):
                width = scale.of(stages[stage])
                axes.barh(height, width, _BARS / arms, left=left, color=_colour(stage))
                left += width
            said = f" {drawn(str(arm))}"
            axes.text(left, height, said, va="center", fontsize=10, color=GREY)
    axes.set_yticks(range(len(binaries)), [labels[binary] for binary in binaries])
    axes.set_ylim(-0.7, len(binaries) - 0.3)
    axes.grid(visible=False, axis="y")
    scale_x(axes, scale, "Live heap at the peak")
    axes.set_xlim(0, scale.of(scale.high) * 1.2)


def _colour(stage: str) -> str:
    return _STAGES.get(stage, _FOREIGN)


def _in_order(stages: pd.Index[str]) -> list[str]:
    """Return the known stages in the order data takes, then any other."""
    return [s for s in _STAGES if s in stages] + sorted(set(stages) - set(_STAGES))


def _iter_notes(held: pd.DataFrame, panels: list[tuple[str, pd.DataFrame]]) -> Iterator[str]:
    yield "by the stage that allocated it; the stages of a bar add up to its peak"
    shown = {binary for _, panel in panels for binary in panel.index.unique("binary")}
    lost = len(held.index.unique("binary")) - len(shown)
    if lost:
        yield f"{lost} binaries with lower peaks are not drawn"
