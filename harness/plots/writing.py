"""Write a figure as SVG and PNG: the same data gives the same bytes."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from harness.plots.style import styled

PNG_DPI = 150
_FORMATS: dict[str, dict[str, Any]] = {
    "svg": {"metadata": {"Date": None, "Creator": None}},
    "png": {"metadata": {"Software": None}, "dpi": PNG_DPI},
}


def render(figure: Figure, name: str) -> dict[str, bytes]:
    """Return the figure in each format, by file suffix; `name` seeds the identifiers in the SVG."""
    images = {}
    with styled(), mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
        for suffix, options in _FORMATS.items():
            buffer = BytesIO()
            figure.savefig(buffer, format=suffix, **options)
            images[suffix] = buffer.getvalue()
    return images


def write(figure: Figure, directory: Path, name: str) -> list[Path]:
    """Write `name.svg` and `name.png` into `directory`, made if need be; return the paths."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for suffix, image in render(figure, name).items():
        path = directory / f"{name}.{suffix}"
        path.write_bytes(image)
        paths.append(path)
    return paths
