"""Peak heap, old versus new, one line per binary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.plots import style
from harness.plots.scales import ByteScale, byte_scale, scale_axis
from harness.stats.claim import CLAIM, keeps_reduction
from harness.stats.frames import Frames
from harness.stats.summary import Row, Summary, summarise
from harness.stats.worst import excerpt
from harness.text import counted

QUESTION = "How much heap does each pipeline hold at its peak?"
_NAME_WIDTH = 20


@style.styled()
def draw(frames: Frames) -> Figure:
    """Draw one panel per source: both peaks of each binary joined, the reduction beside them.

    Of many binaries they are those that are listed: the largest alone would all look well.
    """
    whole = summarise(frames)
    summary = excerpt(whole)
    known = [row for row in summary.rows if row.baseline.peak or row.candidate.peak]
    sources = dict.fromkeys(row.source for row in known)
    panels = [(name, [x for x in known if x.source == name]) for name in sources]
    if not panels:
        return style.no_data(QUESTION, f"no replicate succeeded in measuring {summary.metric}")
    heights = [len(rows) + 1.8 for _, rows in panels]
    figure, grid = style.new_panels(QUESTION, 1.3 + 0.33 * sum(heights), heights)
    every = [row for _, rows in panels for row in rows]
    peaks = [arm.peak for row in every for arm in row.arms if arm.peak]
    scale = byte_scale([end for peak in peaks for end in (peak.low, peak.high)])
    for axes, (source, rows) in zip(grid, panels, strict=True):
        axes.set_title(style.source_title(source))
        _draw_rows(axes, rows, scale, summary)
        scale_axis(axes, "x", scale, f"Peak heap, {style.drawn(summary.metric)}")
    marks = style.arm_marks([arm for arm in summary.arms if arm])
    if summary.claimed:
        marks.append(style.mark(style.BLACK, "|", f"{CLAIM.reduction_pct:g} % less", markersize=12))
    style.add_key(figure, marks, _iter_notes(summary, every, len(whole.rows)))
    return figure


def _draw_rows(axes: Axes, rows: Sequence[Row], scale: ByteScale, summary: Summary) -> None:
    labels = style.drawn_labels((row.binary for row in rows), _NAME_WIDTH)
    for place, row in enumerate(() if summary.alone else rows):
        short = summary.claimed and keeps_reduction(row) is False
        style.write_beside(
            axes, place, _remark(row), color=style.VERMILLION if short else style.BLACK
        )
    _draw_peaks(axes, rows, scale, claimed=summary.claimed)
    style.name_rows(axes, [labels[row.binary] for row in rows])


def _draw_peaks(axes: Axes, rows: Sequence[Row], scale: ByteScale, *, claimed: bool) -> None:
    """Draw peaks and their spread, and join the two of a row; one artist serves all rows."""
    pairs = [
        (place, scale.of(row.baseline.peak.median), scale.of(row.candidate.peak.median))
        for place, row in enumerate(rows)
        if row.baseline.peak and row.candidate.peak
    ]
    _draw_lines(axes, pairs, color="#BBBBBB", linewidth=4, zorder=1)
    kept = 1 - CLAIM.reduction_pct / 100
    marked = pairs if claimed else []
    ticks = [kept * old for _, old, _ in marked]
    axes.plot(ticks, [place for place, _, _ in marked], "|", color=style.BLACK, markersize=16,
              markeredgewidth=2, zorder=2)  # fmt: skip
    for number in (0, 1):
        arms = [row.arms[number] for row in rows]
        colour, marker = style.arm_looks(arm.name for arm in arms)[arms[0].name]
        known = [(place, arm.peak) for place, arm in enumerate(arms) if arm.peak]
        spreads = [(place, scale.of(peak.low), scale.of(peak.high)) for place, peak in known]
        _draw_lines(axes, spreads, color=colour, linewidth=1.5, zorder=2)
        medians = [scale.of(peak.median) for _, peak in known]
        places = [place for place, _ in known]
        axes.plot(medians, places, marker, color=colour, markersize=8, zorder=3)


def _draw_lines(axes: Axes, lines: Sequence[tuple[float, float, float]], **looks: Any) -> None:
    """Draw horizontal lines, each a height and two ends."""
    heights, starts, ends = ([line[part] for line in lines] for part in range(3))
    axes.hlines(heights, starts, ends, capstyle="projecting", **looks)


def _remark(row: Row) -> str:
    """Say what stands beside a row: the reduction, with a question mark where it proves nothing."""
    for arm in row.arms:
        if arm.peak is None:
            return style.drawn(f"{arm.name}: {row.why_missing(arm)}")
    if row.reduction_pct is None:
        return "no comparison"
    change = f"{-row.reduction_pct:+z.1f} %".replace("-", "\N{MINUS SIGN}")
    return change if row.counts else f"{change} ?"


def _iter_notes(summary: Summary, rows: Sequence[Row], of: int) -> Iterator[str]:
    if summary.claimed:
        claimed = f"{CLAIM.reduction_pct:g} % less"
        yield f"right: the change, in colour where it falls short of {claimed}"
    if any(row.reduction_pct is None and row.same_output is False for row in rows):
        yield "no comparison: the arms delivered different scopes"
    if any(row.reduction_pct is not None and not row.counts for row in rows):
        yield "?: proves nothing (output not verified, or replicates missing)"
    if lost := len(summary.rows) - len(rows):
        yield f"{counted(lost, 'row')} without any peak not drawn"
    if more := of - len(summary.rows):
        yield f"{counted(more, 'more row')}, not of the worst binaries, not drawn"
