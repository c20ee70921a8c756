"""All that goes into the page, read and drawn before a word of it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from harness.reports.page.gate import Gate
from harness.reports.page.picture import Picture
from harness.reports.provenance import Provenance
from harness.stats.claim import Claim
from harness.stats.frames import Frames
from harness.stats.summary import Summary

Flame = tuple[str, str, str]
"""Binary, source, and what the graph shows."""


class Material(Struct, frozen=True):
    """One run, as it was read back.

    `flames` are addresses of flame graphs, relative to the page. `warnings` are what reading the
    run showed.
    """

    frames: Frames
    summary: Summary
    provenance: Provenance
    pictures: Sequence[Picture] = ()
    gate: Gate = field(default_factory=Gate)
    flames: Mapping[Flame, str] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    claim: Claim = field(default_factory=Claim)
