"""A plot as part of the page itself: an image that carries its own bytes."""

from __future__ import annotations

from base64 import b64encode

from msgspec import Struct

MOST_SVG_BYTES = 512 * 1024
"""Where an SVG is larger, its PNG is shown: thousands of points are no sharper as outlines."""


class Picture(Struct, frozen=True):
    """One plot in both formats, and the question that it answers."""

    name: str
    question: str
    svg: bytes
    png: bytes

    @property
    def source(self) -> str:
        """The address of the image: its content, so that it needs no file and no network.

        As an image, an SVG can run no script and load nothing, whoever drew it.
        """
        kind, content = ("svg+xml", self.svg) if self._is_small else ("png", self.png)
        return f"data:image/{kind};base64,{b64encode(content).decode('ascii')}"

    @property
    def _is_small(self) -> bool:
        return len(self.svg) <= MOST_SVG_BYTES
