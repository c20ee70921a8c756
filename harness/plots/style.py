"""What all pictures share: one palette, one type size, inert names, legends, and their files.

Nothing global is touched, and the same data gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib import style as mpl_style
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D

from harness.contracts import NO_DATA
from harness.plots.layout import ColumnLayout
from harness.stats.labels import distinct, inert

# The Okabe-Ito palette: eight colours that people with any colour vision can tell apart.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY = "#666666"
SPARE = ((GREEN, "s"), (PURPLE, "^"), (ORANGE, "v"), (SKY, "P"), (BLACK, "X"))
"""Colours and markers of what has none of its own."""

_DPI = 150
_WIDTH_IN = 7.2
_MARK_IN, _LETTER_IN = 0.8, 0.095  # what a mark of the key takes, and each letter beside it
_ROW_IN, _NOTE_IN = 0.26, 0.17
ARM_WIDTH = 24
_FONT = "DejaVu Sans"  # ships with matplotlib, so a picture is the same on every machine
_SETTINGS = {
    "font.family": _FONT,
    "font.size": 12,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.titley": 1.0,  # to look for a place above what is written there takes as long as a panel
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#DDDDDD",
    "figure.titlesize": 14,
    "figure.titleweight": "bold",
    "legend.frameon": False,
    "legend.fontsize": 12,
    "lines.linewidth": 2,
}
_KNOWN = {"legacy": (VERMILLION, "o"), "streaming": (BLUE, "D")}
_SOURCES = {
    "dwarf": "Extraction and pipeline (source: dwarf)",
    "replay": "Pipeline alone (source: replay)",
}
_CASE_WIDTH = 40


@contextmanager
def styled() -> Iterator[None]:
    """Draw within: the settings of the caller and of the machine neither count nor change."""
    with mpl_style.context(["default", _SETTINGS]):
        yield


def new_figure(question: str, height_in: float) -> Figure:
    """Return an empty figure whose title is the question it answers."""
    figure = Figure(figsize=(_WIDTH_IN, height_in), dpi=_DPI, layout=ColumnLayout())
    figure.suptitle(question)
    return figure


def new_panels(
    question: str, height_in: float, shares: Sequence[float], *, sharex: bool = False
) -> tuple[Figure, list[Axes]]:
    """Return a figure with panels below each other, which divide its height by `shares`."""
    figure = new_figure(question, height_in)
    grid = figure.subplots(len(shares), squeeze=False, sharex=sharex, height_ratios=shares)
    return figure, list(grid[:, 0])


def no_data(question: str, why: str) -> Figure:
    """Return a figure that says there is nothing to draw, and why."""
    figure = new_figure(question, 2.4)
    figure.set_gid(NO_DATA)
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.text(0.5, 0.5, f"No data\n{why}", ha="center", va="center", color=GREY, wrap=True)
    return figure


def add_key(figure: Figure, handles: Iterable[Artist], notes: Iterable[str] = ()) -> None:
    """Put under the picture what its marks mean, and in small type what no mark in it shows."""
    marks, told = list(handles), list(notes)
    longest = max((len(str(one.get_label())) for one in marks), default=0)
    columns = max(1, min(3, int(_WIDTH_IN / (_MARK_IN + _LETTER_IN * longest))))
    rows = -(-len(marks) // columns)
    room = _ROW_IN * max(0, rows - 2) + _NOTE_IN * max(0, len(told) - 3)
    figure.set_size_inches(_WIDTH_IN, figure.get_figheight() + room)
    legend = figure.legend(handles=marks, loc="outside lower center", ncols=columns)
    legend.set_title("\n".join(told), prop=FontProperties(size=10))
    legend.get_title().set(color=GREY, multialignment="center")


def arm_looks(arms: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return a colour and a marker for each arm; built-in arms look the same in every picture."""
    looks = dict(_KNOWN)
    for number, arm in enumerate(sorted(set(arms) - set(_KNOWN))):
        turns, place = divmod(number, len(SPARE))
        looks[arm] = SPARE[place][0], SPARE[(place + turns) % len(SPARE)][1]
    return looks


def arm_marks(arms: Iterable[str], linestyle: str = "") -> list[Line2D]:
    """Return the marks of these arms for a legend, each arm once."""
    listed = list(dict.fromkeys(arms))
    looks = arm_looks(listed)
    labels = drawn_labels(listed, ARM_WIDTH)
    return [mark(*looks[arm], labels[arm], linestyle) for arm in listed]


def mark(colour: str, marker: str, label: str, linestyle: Any = "", **more: Any) -> Line2D:
    """Return one mark for a legend."""
    return Line2D([], [], color=colour, marker=marker, label=label, linestyle=linestyle, **more)


def name_rows(axes: Axes, labels: Sequence[str], *, above: float = 0.6) -> None:
    """Give each row of a panel its name, the first one at the bottom."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(-0.6, len(labels) - 1 + above)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0, left=False)


def write_beside(axes: Axes, place: float, text: str, **looks: Any) -> None:
    """Write `text` to the right of a row."""
    looks = {"va": "center_baseline", **looks}
    axes.text(1.01, place, text, transform=axes.get_yaxis_transform(), **looks)


def source_title(source: str) -> str:
    """Return what stands above a panel about one source."""
    return _SOURCES.get(source, drawn(f"Source: {source}"))


def case_title(binary: str, source: str) -> str:
    """Return what stands above a panel about one binary."""
    return f"{drawn_labels([binary], _CASE_WIDTH)[binary]} (source: {drawn(source)})"


def drawn(text: str) -> str:
    """Return `text` so that it is drawn as it reads: no mathematics, no missing glyphs."""
    shown = (char if ord(char) in _glyphs() else ascii(char)[1:-1] for char in inert(text))
    return "".join(shown).replace("$", r"\$")


def drawn_labels(names: Iterable[str], width: int) -> dict[str, str]:
    """Return a distinct drawable label for each name, `width` characters long or a little more."""
    return {name: drawn(label) for name, label in distinct(names, width).items()}


def row_labels(places: Sequence[tuple[str, str]], width: int, *, always: bool = False) -> list[str]:
    """Return what names rows, each a binary and an arm: the arm where several, or `always`."""
    binaries, arms = (drawn_labels(names, width) for names in zip(*places, strict=True))
    named = always or len(arms) > 1
    return [binaries[one] + (f", {arms[arm]}" if named else "") for one, arm in places]


@cache
def _glyphs() -> frozenset[int]:
    path = font_manager.findfont(_FONT)
    return frozenset(font_manager.get_font(path).get_charmap())


_FORMATS: dict[str, dict[str, Any]] = {
    "svg": {"metadata": {"Date": None, "Creator": None}},
    "png": {"metadata": {"Software": None}, "pil_kwargs": {"compress_level": 1}},
}


SVG, PNG = "svg", "png"
MOST_SVG_BYTES = 512 * 1024
"""Where an SVG is larger, a PNG is shown: thousands of points are no sharper as outlines."""


def render(figure: Figure, name: str, *formats: str) -> dict[str, bytes]:
    """Return the figure in each format, by file suffix; `name` seeds the identifiers in an SVG."""
    images = {}
    with styled(), mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
        _lay_out(figure)
        for suffix in formats:
            buffer = BytesIO()
            figure.savefig(buffer, format=suffix, **_FORMATS[suffix])
            images[suffix] = buffer.getvalue()
    return images


def _lay_out(figure: Figure) -> None:
    """Arrange the panels once: each format would do it again, which takes longer than drawing."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine(None)


def write(figure: Figure, directory: Path, name: str, *, png: bool = False) -> Path:
    """Write `name.svg` into `directory`, made if need be, and return the path of what to show.

    That is the SVG, or where it would be large, a PNG in its place.

    Args:
        figure: What to draw; each format is a drawing of its own.
        directory: Where to.
        name: Of the files.
        png: Whether to write `name.png` in any case.
    """
    directory.mkdir(parents=True, exist_ok=True)
    images = render(figure, name, SVG)
    shown = SVG if len(images[SVG]) <= MOST_SVG_BYTES else PNG
    if png or shown == PNG:
        images |= render(figure, name, PNG)
    for suffix in {shown, *((PNG,) if png else ())}:
        directory.joinpath(f"{name}.{suffix}").write_bytes(images[suffix])
    return directory / f"{name}.{shown}"
