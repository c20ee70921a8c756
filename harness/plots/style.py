"""How every picture looks: one palette, one type size, inert names, nothing global touched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache

from matplotlib import font_manager
from matplotlib import style as mpl_style
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from harness.contracts import NO_DATA
from harness.stats.labels import distinct, inert

# The Okabe-Ito palette: eight colours that people with any colour vision can tell apart.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY = "#666666"

WIDTH_IN = 7.2
_FONT = "DejaVu Sans"  # ships with matplotlib, so a picture is the same on every machine
_SETTINGS = {
    "font.family": _FONT,
    "font.size": 12,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
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
_SPARE = ((GREEN, "s"), (PURPLE, "^"), (ORANGE, "v"), (SKY, "P"), (BLACK, "X"))


@contextmanager
def styled() -> Iterator[None]:
    """Draw within: the settings of the caller and of the machine neither count nor change."""
    with mpl_style.context(["default", _SETTINGS]):
        yield


def new_figure(question: str, height_in: float) -> Figure:
    """Return an empty figure whose title is the question it answers."""
    figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    figure.suptitle(question)
    return figure


def no_data(question: str, why: str) -> Figure:
    """Return a figure that says there is nothing to draw, and why."""
    figure = new_figure(question, 2.4)
    figure.set_gid(NO_DATA)
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.text(0.5, 0.5, f"No data\n{why}", ha="center", va="center", color=GREY, wrap=True)
    return figure


def add_key(figure: Figure, handles: Sequence[Artist], notes: Iterable[str] = ()) -> None:
    """Put under the picture what its marks mean, and in small type what no mark in it shows."""
    legend = figure.legend(handles=handles, loc="outside lower center", ncols=3)
    legend.set_title("\n".join(notes), prop=FontProperties(size=10))
    legend.get_title().set(color=GREY, multialignment="center")


def arm_looks(arms: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return a colour and a marker for each arm; built-in arms look the same in every picture."""
    looks = dict(_KNOWN)
    for arm in sorted(set(arms) - set(_KNOWN)):
        looks[arm] = _SPARE[(len(looks) - len(_KNOWN)) % len(_SPARE)]
    return looks


def source_title(source: str) -> str:
    """Return what stands above a panel about one source."""
    return _SOURCES.get(source, drawn(f"Source: {source}"))


def drawn(text: str) -> str:
    """Return `text` so that it is drawn as it reads: no mathematics, no missing glyphs."""
    shown = (char if ord(char) in _glyphs() else ascii(char)[1:-1] for char in inert(text))
    return "".join(shown).replace("$", r"\$")


def drawn_labels(names: Iterable[str], width: int) -> dict[str, str]:
    """Return a distinct drawable label for each name, `width` characters long or a little more."""
    return {name: drawn(label) for name, label in distinct(names, width).items()}


@cache
def _glyphs() -> frozenset[int]:
    path = font_manager.findfont(_FONT)
    return frozenset(font_manager.get_font(path).get_charmap())
