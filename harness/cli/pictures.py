"""Draw what the registered plots have to show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.contracts import NO_DATA
from harness.registry import load, names

if TYPE_CHECKING:
    from harness.stats.frames import Frames


def draw_all(frames: Frames, directory: Path) -> dict[str, tuple[Path, str]]:
    """Draw every registered plot that has something to show, of one run or of the history of many.

    Returns:
        By name the PNG's path and the question it answers.
    """
    from harness.plots.writing import write  # noqa: PLC0415 - matplotlib is slow to import

    drawn: dict[str, tuple[Path, str]] = {}
    for name in names("plot"):
        figure = load("plot", name)(frames)
        if figure.get_gid() == NO_DATA:
            continue
        paths = write(figure, directory, name)
        png = next(path for path in paths if path.suffix == ".png")
        drawn[name] = png, figure.get_suptitle()
    return drawn
