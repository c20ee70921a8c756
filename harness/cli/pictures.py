"""Draw the registered plots: those about one run, or those that hold many side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.registry import load, names

if TYPE_CHECKING:
    from harness.stats.frames import Frames


def draw_all(
    frames: Frames, directory: Path, *, over_runs: bool = False
) -> dict[str, tuple[Path, str]]:
    """Draw every registered plot; return by name the PNG's path and the question it answers.

    Args:
        frames: The tables of one run, or the history of many.
        directory: Where the pictures go; made if need be.
        over_runs: Whether to draw the plots that are about many runs, or those about one.
    """
    from harness.plots.writing import write  # noqa: PLC0415 - matplotlib is slow to import

    drawn: dict[str, tuple[Path, str]] = {}
    for name in names("plot"):
        plot = load("plot", name)
        if getattr(plot, "over_runs", False) is not over_runs:
            continue
        figure = plot(frames)
        paths = write(figure, directory, name)
        png = next(path for path in paths if path.suffix == ".png")
        drawn[name] = png, figure.get_suptitle()
    return drawn
