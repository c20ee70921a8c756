"""What a memory limit is made of: the parts of a peak, max RSS, and the limit that is survived."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from harness.config import MIB
from harness.limits.found import Found
from harness.plots import style
from harness.stats.frames import Frames
from harness.stats.limits import found_limits
from harness.units import format_exactly

QUESTION = "What is the memory limit made of?"
# None of the colours that stand for arms in the other pictures.
_PARTS = {
    "interpreter_bytes": ("interpreter and modules", style.GREY),
    "live_heap_bytes": ("live heap at the peak", style.GREEN),
    "not_returned_bytes": ("freed, not returned", style.PURPLE),
    "cache_and_kernel_bytes": ("page cache and kernel", style.SKY),
}
_MOST_BARS = 24
_NAME_WIDTH = 20
_THICK = 0.72


@style.styled()
def draw(frames: Frames) -> Figure:
    """Draw a bar for each binary and arm whose limit and peak are known, the largest last."""
    known = [one for one in found_limits(frames) if one.made_of and one.edge]
    if not known:
        return style.no_data(QUESTION, "no limit was found, or the peak below it was not measured")
    shown = known[-_MOST_BARS:]
    panels = {source: [one for one in shown if one.source == source]
              for source in dict.fromkeys(one.source for one in shown)}  # fmt: skip
    heights = [len(bars) + 2.2 for bars in panels.values()]
    figure, grid = style.new_panels(QUESTION, 1.7 + 0.3 * sum(heights), heights)
    for axes, (source, bars) in zip(grid, panels.items(), strict=True):
        axes.set_title(style.source_title(source))
        _draw_bars(axes, bars)
    style.add_key(figure, _marks(), _iter_notes(known, shown))
    return figure


def _draw_bars(axes: Axes, bars: Sequence[Found]) -> None:
    places, left = range(len(bars)), [0.0] * len(bars)
    for part, (_, colour) in _PARTS.items():
        widths = [(getattr(one.made_of, part) or 0) / MIB for one in bars]
        axes.barh(places, widths, _THICK, left, color=colour)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    axes.plot([one.free_rss_bytes / MIB for one in bars], places, "o", markersize=7,
              markerfacecolor="white", markeredgecolor=style.BLACK, linestyle="")  # fmt: skip
    for place, edge in enumerate(one.edge for one in bars if one.edge):
        least = edge.survives_bytes if edge.steady else edge.killed_bytes
        ends = sorted({least, edge.survives_bytes})
        axes.plot([end / MIB for end in ends], [place] * len(ends), "|-", color=style.BLACK,
                  markersize=20, markeredgewidth=3)  # fmt: skip
        style.write_beside(axes, place, " to\n".join(map(format_exactly, ends)))
    cases = [(one.binary, one.arm) for one in bars]
    style.name_rows(axes, style.row_labels(cases, _NAME_WIDTH, always=True))
    axes.set_xlim(left=0)
    axes.set_xlabel("Memory (MiB)")


def _marks() -> list[Artist]:
    hollow = {"markerfacecolor": "white", "markersize": 7}
    return [
        *(Patch(color=colour, label=label) for label, colour in _PARTS.values()),
        style.mark(style.BLACK, "o", "max RSS without a limit", **hollow),
        style.mark(style.BLACK, "|", "survived limit", markersize=12, markeredgewidth=3),
    ]


def _iter_notes(known: Sequence[Found], shown: Sequence[Found]) -> Iterator[str]:
    kinds = style.drawn(", ".join(dict.fromkeys(one.backend for one in shown)))
    yield f"limited by {kinds}; right: the smallest limit that is survived, or an interval"
    yield "max RSS has pages of shared files, which are charged to whoever read them first"
    if len(known) > len(shown):
        yield f"{len(known) - len(shown)} bars of smaller binaries are not drawn"
