"""Where the panels of a picture stand: below each other, with room for what is written around them.

A column of panels needs no solver: each axis is measured once. Matplotlib's constrained layout
measures every artist twice, and takes as long as drawing does.
"""

from __future__ import annotations

from matplotlib.axis import Axis
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

_PAD_IN = 0.06
_TITLE_IN = 0.27  # of a panel, with what parts it from the panel
_HEADING_IN = 0.25  # of the picture


class ColumnLayout(ConstrainedLayoutEngine):
    """Lays out a title, panels below each other and a key; any other figure as matplotlib does."""

    def execute(self, fig: Figure) -> None:
        """Give each panel its place, and the labels of its axes."""
        specs = [axes.get_subplotspec() for axes in fig.axes]
        if not all(spec and spec.get_gridspec().ncols == 1 for spec in specs):
            super().execute(fig)
            return
        for heading in fig.texts[:1]:
            heading.set_y(1 - _PAD_IN / fig.get_figheight())
        renderer: RendererBase = FigureCanvasAgg(fig).get_renderer()  # type: ignore[no-untyped-call]
        beyond = _stack(fig, renderer)
        _widen(fig, renderer, beyond)


def _stack(fig: Figure, renderer: RendererBase) -> float:
    """Divide the height that titles, labels and the key leave; panels keep their shares of it.

    Returns:
        How far numbers below a panel reach beyond its right end.
    """
    pad = _PAD_IN * fig.dpi
    rooms = [_measure(axes.xaxis, 1, renderer) for axes in fig.axes]
    titles = [_lines_px(axes.get_title(loc="left"), _TITLE_IN, fig) for axes in fig.axes]
    key = sum(pad + legend.get_window_extent(renderer).height for legend in fig.legends)
    top = fig.bbox.height - _lines_px(fig.get_suptitle(), _HEADING_IN, fig) - pad
    free = top - key - sum(titles) - sum(2 * pad + depth for depth, _, _ in rooms)
    each = free / sum(axes.bbox.height for axes in fig.axes)
    for axes, (depth, gap, _), title in zip(fig.axes, rooms, titles, strict=True):
        place, height = axes.get_position(), each * axes.bbox.height
        top -= title + height
        low, share = top / fig.bbox.height, height / fig.bbox.height
        axes.set_position((place.x0, low, place.width, share))
        axes.xaxis.set_label_coords(0.5, -gap / height)
        top -= 2 * pad + depth
    return max((beyond for _, _, beyond in rooms), default=0.0)


def _widen(fig: Figure, renderer: RendererBase, beyond: float) -> None:
    """Give all panels the width that is left between what is written on both sides of them."""
    pad = _PAD_IN * fig.dpi
    rooms = [_measure(axes.yaxis, 0, renderer) for axes in fig.axes]
    left = pad + max((room for room, _, _ in rooms), default=0.0)
    end = fig.bbox.width - pad
    _span(fig, left, end)
    texts = [text for axes in fig.axes for text in axes.texts]
    reach = [text.get_window_extent(renderer).x1 - end for text in texts]
    _span(fig, left, end - max([0.0, beyond, *reach]))
    for axes, (_, gap, _) in zip(fig.axes, rooms, strict=True):
        axes.yaxis.set_label_coords(-gap / axes.bbox.width, 0.5)


def _span(fig: Figure, left: float, right: float) -> None:
    for axes in fig.axes:
        place, whole = axes.get_position(), fig.bbox.width
        axes.set_position((left / whole, place.y0, (right - left) / whole, place.height))


def _measure(axis: Axis, side: int, renderer: RendererBase) -> tuple[float, float, float]:
    """Return what an axis takes outside its panel, how far out its label is, and what is beyond."""
    box = axis.get_tightbbox(renderer, for_layout_only=True)
    if box is None:
        return 0.0, 0.0, 0.0
    edge = axis.axes.bbox.min[side]
    label = axis.label.get_position()[side]
    return edge - box.min[side], edge - label, box.x1 - axis.axes.bbox.x1


def _lines_px(text: str, line_in: float, fig: Figure) -> float:
    return len(text.splitlines()) * line_in * fig.dpi
