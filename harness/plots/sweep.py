"""One pipeline at many flush thresholds: what each costs, and what it buys."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from harness.plots import style
from harness.plots.scales import ByteScale, byte_scale, plain_log
from harness.stats.claim import CLAIM
from harness.stats.frames import Frames
from harness.stats.sweep import SweepPoint, sweep_points
from harness.text import counted
from harness.units import format_bytes

QUESTION = "What does the flush threshold cost?"
_LOOKS = ((style.BLUE, "D"), *style.SPARE)
_NAME_WIDTH = 20


@style.styled()
def draw(frames: Frames) -> Figure:
    """Draw peak, batches and overshoot over the threshold, one line per binary."""
    curves = _curves(frames)
    if not curves:
        return style.no_data(QUESTION, "this run used one threshold; `harness sweep` uses many")
    shown = curves[-len(_LOOKS) :]
    figure, (peak, batches, overshoot) = style.new_panels(QUESTION, 8.2, [3, 2, 2], sharex=True)
    _draw_peaks(peak, shown)
    _draw_lines(batches, shown, lambda one: one.batches)
    batches.set_yscale("log", base=2)
    plain_log(batches.yaxis)
    batches.set_ylabel("Batches\n(count, log scale)")
    _draw_overshoot(overshoot, shown)
    _scale_thresholds(overshoot, shown)
    style.add_key(figure, _iter_marks(shown), _iter_notes(curves, shown))
    return figure


def _curves(frames: Frames) -> list[list[SweepPoint]]:
    """Return the points of each binary and source with two or more thresholds, highest last."""
    cases: dict[tuple[str, str], list[SweepPoint]] = {}
    for one in sweep_points(frames):
        if one.threshold_bytes > 0:
            cases.setdefault((one.binary, one.source), []).append(one)
    curves = [case for case in cases.values() if len({one.threshold_bytes for one in case}) > 1]
    return sorted(curves, key=lambda case: (max(x.peak_bytes for x in case), case[0].binary))


def _draw_lines(
    axes: Axes, curves: list[list[SweepPoint]], height: Callable[[SweepPoint], float | None]
) -> list[float]:
    """Draw one line per binary where it has a height, and return all heights."""
    heights: list[float] = []
    for curve, (colour, marker) in zip(curves, _LOOKS, strict=False):
        known = [(one.threshold_bytes, y) for one in curve if (y := height(one)) is not None]
        axes.plot([x for x, _ in known], [y for _, y in known], color=colour, marker=marker)
        heights += [y for _, y in known]
    return heights


def _draw_peaks(axes: Axes, curves: list[list[SweepPoint]]) -> None:
    scale = _scale_of(curves, lambda one: one.peak_bytes)
    heights = _draw_lines(axes, curves, lambda one: scale.of(one.peak_bytes))
    axes.set_ylim(0, max(heights) * 1.08)
    axes.set_ylabel(f"Peak heap ({scale.unit})")


def _draw_overshoot(axes: Axes, curves: list[list[SweepPoint]]) -> None:
    bound = CLAIM.overshoot_bytes
    scale = _scale_of(curves, lambda one: one.overshoot_bytes or 0, bound)
    heights = _draw_lines(
        axes,
        curves,
        lambda one: None if one.overshoot_bytes is None else scale.of(one.overshoot_bytes),
    )
    axes.axhline(scale.of(bound), color=style.VERMILLION, linestyle="--", linewidth=1.5)
    axes.set_ylim(0, max([*heights, scale.of(bound)]) * 1.15)
    axes.set_ylabel(f"Overshoot ({scale.unit})")
    if not heights:
        axes.text(0.5, 0.5, "no batch reached it", transform=axes.transAxes, color=style.GREY,
                  ha="center")  # fmt: skip


def _scale_of(
    curves: list[list[SweepPoint]], size: Callable[[SweepPoint], float], *others: float
) -> ByteScale:
    sizes = [float(size(one)) for curve in curves for one in curve]
    return byte_scale([*sizes, *others], may_be_log=False)


def _scale_thresholds(axes: Axes, curves: list[list[SweepPoint]]) -> None:
    thresholds = sorted({one.threshold_bytes for curve in curves for one in curve})
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(thresholds[:: 1 + len(thresholds) // 9]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    axes.set_xlabel("Flush threshold (bytes after compression, log scale)")


def _short(size_bytes: float) -> str:
    return format_bytes(size_bytes).replace(".0 ", " ").replace(" ", "\n")


def _iter_marks(curves: list[list[SweepPoint]]) -> Iterator[Line2D]:
    names = style.drawn_labels((curve[0].binary for curve in curves), _NAME_WIDTH)
    for curve, look in zip(curves, _LOOKS, strict=False):
        yield style.mark(*look, names[curve[0].binary], "-")
    yield style.mark(style.VERMILLION, "", f"bound {format_bytes(CLAIM.overshoot_bytes)}", "--")


def _iter_notes(curves: list[list[SweepPoint]], shown: list[list[SweepPoint]]) -> Iterator[str]:
    yield "beyond the last point of overshoot, no batch reached the threshold"
    if len(curves) > len(shown):
        left_out = counted(len(curves) - len(shown), "binary", "binaries")
        yield f"not drawn: {left_out} with lower peaks"
