"""What the reader of a capture tells the parent, which never opens one itself."""

from __future__ import annotations

from msgspec import Struct

from harness.records import HeapPoint, Holding


class Capture(Struct, frozen=True, kw_only=True):
    """What a capture says; the holdings sum to `peak_bytes`.

    `attributed` says whether allocations were still traced to their lines when the probe stopped.
    """

    peak_bytes: int
    holdings: list[Holding]
    timeline: list[HeapPoint]
    attributed: bool
