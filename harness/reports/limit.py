"""What limits each arm survives, as a table: one row per binary, arm and source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console
from rich.text import Text

from harness.limits.edge import SURVIVED
from harness.limits.found import Found
from harness.printing import print_table
from harness.stats.summary import Summary
from harness.tables import NOTHING, Column
from harness.text import counted
from harness.units import format_bytes, format_exactly

SCHEMA = "harness.limit/1"
_MOST_ROWS = 80


class LimitDocument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `harness limit --json` prints; `under_bytes` is null where limits were searched."""

    schema: str = SCHEMA
    run_id: str
    under_bytes: int | None
    found: list[Found]


def answer(found: Found) -> str:
    """Return the limit that is survived, the interval where it is none, or why nobody knows."""
    edge = found.edge
    if edge is not None and edge.steady:
        return format_exactly(edge.survives_bytes)
    if edge is not None:
        return f"{format_exactly(edge.killed_bytes)} to {format_exactly(edge.survives_bytes)}"
    if found.problem:
        return f"not known: {found.problem.partition(': ')[0]}"  # the cause is told where it failed
    outcomes = [(at, found.at(at)) for at in sorted(found.outcomes)]
    return ", ".join(
        f"{outcome} {'' if outcome == SURVIVED else 'at '}{format_exactly(at)}"
        for at, outcome in outcomes
    )


def found_in(summary: Summary) -> list[Found]:
    """Return what is known of the limits of both arms, row by row."""
    return [arm.limit for row in summary.rows for arm in row.arms if arm.limit]


def print_limits(found: Sequence[Found], under: Sequence[int], console: Console) -> None:
    """Print a row for each, and below, as there is no room beside it, what its peak is made of.

    Of many, those that need most. Where nothing was searched, but limits `under` which it was
    tried, the last line says how many survived.
    """
    everything, found = found, _neediest(found)
    parts = [*_PARTS, _CHARGED]
    short = [
        replace(one, cell=lambda row: answer(row).partition(":")[0]) if one.cell is answer else one
        for one in LIMITS
        if one.key not in parts
    ]
    print_table(short, found, console)
    known = [one for one in found if one.made_of and one.edge]
    for source in dict.fromkeys(one.source for one in known):
        told = f"What they took at the peak without a limit, from source {source}:"
        console.print(Text(told, "dim"), soft_wrap=True)
        shown = [column for column in LIMITS if column.key in ("binary", "arm", *parts)]
        print_table(shown, [one for one in known if one.source == source], console)
    if left_out := len(everything) - len(found):
        console.print(f"{left_out:,} more that need less: --json has them")
    if {one.source for one in everything} == {"replay"}:
        told = (
            "Source replay is the pipeline alone; with extraction, as in production: --source both"
        )
        console.print(Text(told, "dim"), soft_wrap=True)
    for line in _iter_counts(everything, under):
        console.print(Text(line, "bold"), soft_wrap=True)


def _neediest(found: Sequence[Found]) -> Sequence[Found]:
    """Return all, or of many those that survive least, in the order in which they came."""
    if len(found) <= _MOST_ROWS:
        return found

    def need(at: int) -> tuple[bool, int, int]:
        one = found[at]
        lost = any(one.at(limit) != SURVIVED for limit in one.outcomes)
        edge_bytes = one.edge.survives_bytes if one.edge else 0
        return one.edge is None and (bool(one.problem) or lost), edge_bytes, one.free_rss_bytes

    return [found[at] for at in sorted(sorted(range(len(found)), key=need)[-_MOST_ROWS:])]


def _iter_counts(found: Sequence[Found], under: Sequence[int]) -> Iterator[str]:
    """Say of each limit in how many cases each arm survives it."""
    arms = dict.fromkeys(one.arm for one in found)
    for at in under if len(found) > len(arms) else ():
        told = []
        for arm in arms:
            cases = [one for one in found if one.arm == arm]
            survived = sum(one.at(at) == SURVIVED for one in cases)
            told.append(f"{arm} survives {survived:,} of {counted(len(cases), 'case')}")
        yield f"Under {format_exactly(at)}, {', '.join(told)}."


_CHARGED = "charged_bytes"
_PARTS = {
    "interpreter_bytes": "interpreter",
    "live_heap_bytes": "live heap",
    "not_returned_bytes": "not returned",
    "cache_and_kernel_bytes": "cache, kernel",
}


def _part_column(part: str) -> Column[Found]:
    def cell(one: Found) -> str:
        size = getattr(one.made_of, part, None)
        return NOTHING if size is None else format_bytes(size)

    return Column(part, cell, kind="number", header=_PARTS[part])


def _size_column(key: str, header: str) -> Column[Found]:
    def cell(one: Found) -> str:
        size: int = getattr(one, key)
        return format_bytes(size) if size else NOTHING

    return Column(key, cell, kind="number", header=header)


LIMITS: list[Column[Found]] = [
    Column("binary", lambda one: one.binary, kind="name", most=24),
    Column("source", lambda one: one.source, kind="name", most=8),
    Column("arm", lambda one: one.arm, kind="name", most=24),
    Column("by", lambda one: one.backend, kind="name", header="limit by", most=12),
    _size_column("free_rss_bytes", "free RSS"),
    Column("tried", lambda one: str(len(one.attempts)), kind="number", header="attempts"),
    Column("survives", answer, kind="number"),
    *map(_part_column, _PARTS),
    _size_column(_CHARGED, "charged"),
]
"""What was found about one binary, source and arm, and what it is made of."""
