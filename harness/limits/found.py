"""What was found out about one binary, arm and source."""

from __future__ import annotations

from msgspec import Struct

from harness.limits.edge import Edge


class Found(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The edge of a search, or the outcome of a single limit; `problem` says why there is none.

    `free_rss_bytes` is max RSS without a limit; 0 when nothing was delivered then.
    """

    binary: str
    arm: str
    source: str
    backend: str
    free_rss_bytes: int = 0
    edge: Edge | None = None
    outcome: str = ""
    problem: str = ""
