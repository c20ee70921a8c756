"""What limits each arm survives, as a table: one row per binary, arm and source."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from rich.console import Console

from harness.limits.found import Found
from harness.tables import Column, print_table
from harness.units import format_bytes

SCHEMA = "harness.limit/1"


class LimitDocument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `harness limit --json` prints; `under_bytes` is null where limits were searched."""

    schema: str = SCHEMA
    run_id: str
    under_bytes: int | None
    found: list[Found]


def answer(found: Found) -> str:
    """Return the limit that is survived, the interval where it is none, or why nobody knows."""
    edge = found.edge
    if edge is None:
        return f"not known: {found.problem}" if found.problem else found.outcome
    if edge.steady:
        return format_bytes(edge.survives_bytes)
    return f"{format_bytes(edge.killed_bytes)} to {format_bytes(edge.survives_bytes)}"


def print_limits(found: Sequence[Found], console: Console) -> None:
    """Print a row for each."""
    print_table(_COLUMNS, found, console)


_COLUMNS: list[Column[Found]] = [
    Column(key="binary", header="binary", cell=lambda one: one.binary, kind="name", most=24),
    Column(key="arm", header="arm", cell=lambda one: one.arm, kind="name", most=24),
    Column(key="source", header="source", cell=lambda one: one.source, kind="name", most=8),
    Column(key="by", header="limit by", cell=lambda one: one.backend, kind="name", most=12),
    Column(
        key="rss", header="free RSS", cell=lambda one: format_bytes(one.free_rss_bytes),
        kind="number",
    ),
    Column(key="survives", header="survives", cell=answer, kind="number"),
]  # fmt: skip
