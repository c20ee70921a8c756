"""The large table of the page: the columns of every summary, with links, bars and the state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup, escape
from msgspec.structs import replace

from harness.reports.beside import line_columns
from harness.reports.cells import change_cell, peak_cell, same_cell, share
from harness.reports.columns import PAGE, summary_columns
from harness.reports.gate import columns
from harness.reports.page.tables import LinkTo
from harness.reports.page.verdict import row_standing
from harness.stats.check import BoundCheck, Comparison
from harness.stats.claim import CLAIM
from harness.stats.copies import Held
from harness.stats.labels import inert
from harness.stats.summary import ArmSummary, Row, Summary
from harness.tables import Column, pick


def result_columns(
    summary: Summary, held: Sequence[Held], link: LinkTo, parts: Any
) -> list[Column[Row]]:
    """Return the columns of the page in their order; `parts` are macros that sections share."""
    largest = max((_median(arm) for row in summary.rows for arm in row.arms), default=0.0)

    def saved(row: Row) -> Markup:
        if row.reduction_pct is None:
            return escape(change_cell(row))
        bar = parts.bar(share(row.reduction_pct, 100), "saved", CLAIM.reduction_pct)
        return escape(change_cell(row)) + Markup.escape(bar)

    def peak(row: Row, arm: ArmSummary, kind: str) -> Markup:
        bar = parts.bar(share(_median(arm), largest), kind) if arm.peak else Markup()
        return escape(peak_cell(row, arm)) + bar

    def same(row: Row) -> Markup:
        shown = same_cell(row)
        return (
            Markup('<span class="bad">{}</span>').format(shown) if shown == "NO" else escape(shown)
        )

    shown = {
        "binary": lambda row: link(row.binary),
        "change": saved,
        "baseline": lambda row: peak(row, row.baseline, "old"),
        "candidate": lambda row: peak(row, row.candidate, "new"),
        "same": same,
    }
    columns = [
        replace(column, html=shown.get(column.key, column.html))
        for column in summary_columns(summary, held)
    ]
    state = Column[Row](
        "state", lambda row: str(row_standing(row)), html=lambda row: parts.badge(row_standing(row))
    )
    return pick([*columns, state] if summary.claimed else columns, PAGE)


def gate_columns(link: LinkTo) -> dict[str, list[Column[Any]]]:
    """Return the columns of each table of a verdict."""

    def case(row: BoundCheck | Comparison) -> Markup:
        of = row.case
        head, tail = inert(of.experiment), inert(f"{of.source}, {of.arm}")
        return Markup("{}: {}, {}").format(head, link(of.binary), tail)

    shown: dict[str, list[Column[Any]]] = {
        "gates": pick(columns.GATES, columns.PAGE_GATES),
        "bounds": pick(columns.BOUNDS, columns.PAGE_BOUNDS),
        "comparisons": pick(columns.COMPARISONS, columns.PAGE),
        "files": columns.FILES,
        "lines": line_columns(("baseline", "candidate")),
    }
    return {
        about: [replace(one, html=case) if one.key == "experiment" else one for one in found]
        for about, found in shown.items()
    }


def _median(arm: ArmSummary) -> float:
    return arm.peak.median if arm.peak else 0.0
