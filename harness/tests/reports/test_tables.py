"""Every table of every report, whatever the width: no number is cut and no header is lost."""

from __future__ import annotations

import html
import re
from io import StringIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from harness.config import LimitOptions
from harness.loading import load_frames
from harness.printing import print_table
from harness.reports import beside, columns, limit, scaling, sweep
from harness.reports.gaps import measured
from harness.reports.gate import columns as gate_columns
from harness.stats.growth import LineChange
from harness.stats.limits import found_limits
from harness.stats.scaling import scaling_points
from harness.stats.summary import summarise
from harness.stats.sweep import sweep_points
from harness.stats.worst import spreads
from harness.tables import Column, html_table, markdown_table
from harness.tests.reports.golden_files import RUN
from harness.tests.reports.verdicts import verdict
from harness.tests.stats.made import ARMS, limited

FEW = settings(max_examples=settings().max_examples // 2)
FRAMES, VERDICT = load_frames(RUN), verdict()
SUMMARY, POINTS = summarise(FRAMES), scaling_points(FRAMES)
TRIED = {18: ["survived"], 17: ["killed"], 0: ["survived"]}
LINES = [LineChange(location="a.py:3 f", code="x" * 90, baseline_bytes=7, candidate_bytes=2**40,
                    copies=1.5, inputs=0.25)]  # fmt: skip
OTHERS = [columns.OtherMetric(row, one.probe, one.metric)
          for row in SUMMARY.rows[:2] for one in row.candidate.quantities]  # fmt: skip
TABLES: dict[str, tuple[list[Column[Any]], list[Any]]] = {
    "summary": (columns.summary_columns(SUMMARY), list(SUMMARY.rows)),
    "other metrics": (columns.other_columns(SUMMARY), OTHERS),
    "lines": (beside.line_columns(ARMS, LINES), LINES),
    "measured": (beside.MEASURED, measured(SUMMARY)),
    "overheads": (beside.OVERHEADS, list(FRAMES.manifest.overhead.items())),
    "spreads": (beside.SPREADS, spreads(SUMMARY)),
    "limits": (limit.LIMITS, found_limits(limited(LimitOptions(), legacy=TRIED, streaming=TRIED))),
    "scaling": (scaling._columns(POINTS), POINTS),
    "sweep": (sweep._COLUMNS, sweep_points(FRAMES)),
    "comparisons": (gate_columns.COMPARISONS, VERDICT.experiments),
    "bounds": (gate_columns.BOUNDS, VERDICT.bounds),
    "gates": (gate_columns.GATES, VERDICT.gates),
    "faults": (gate_columns.FAULTS, VERDICT.faults),
    "files": (gate_columns.FILES, VERDICT.inventory.rows),
}


def cells_of(of: list[Column[Any]], rows: list[Any], *kinds: str) -> list[str]:
    return [one.cell(row) for one in of for row in rows if one.kind in kinds]


def numbers_in(texts: list[str]) -> list[str]:
    return re.findall(r"(?<![\w.])[-+]?\d[\d.,]*\b", " ".join(texts))


@pytest.mark.parametrize("name", TABLES)
@FEW
@given(st.integers(20, 200))
def test_no_terminal_cuts_a_number_or_loses_a_header(name: str, width: int) -> None:
    of, rows = TABLES[name]
    file = StringIO()
    print_table(of, rows, Console(file=file, width=width, color_system=None))
    text = file.getvalue()
    whole = cells_of(of, rows, "number") + numbers_in(cells_of(of, rows, "text"))
    assert [part for part in whole if part not in text] == []
    assert [one.key for one in of if (one.short or one.title) not in text] == []


@pytest.mark.parametrize("name", TABLES)
def test_no_document_cuts_a_number_or_loses_a_header(name: str) -> None:
    of, rows = TABLES[name]
    markdown = MarkdownIt("commonmark").enable("table").render(markdown_table(of, rows))
    for page in (markdown, html_table(of, rows)):
        text = html.unescape(re.sub("<[^>]*>", " ", page))
        found = numbers_in(cells_of(of, rows, "number", "text"))
        assert [part for part in found if part not in text] == []
        assert [one.key for one in of if (one.long or one.title) not in text] == []
