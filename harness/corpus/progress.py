"""How a fetch tells its caller what it is doing; drawing it is the caller's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Stage = Literal["wait", "download", "extract", "unpack", "build", "ready"]


@dataclass(frozen=True, slots=True)
class Progress:
    """One step forward.

    `source` is the wheel, or for `ready` the binary. `done` of `total` counts bytes for
    `download` and `extract`, files for `unpack`, Go packages for `build`; a total of 0 means that
    nobody knows yet. Calls come from a background thread.
    """

    source: str
    stage: Stage
    done: int = 0
    total: int = 0


OnProgress = Callable[[Progress], None]


def ignore(_: Progress) -> None:
    """Tell nobody."""
