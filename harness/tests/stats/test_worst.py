"""What is listed of a run over many binaries: the worst, and how all of them lie."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from harness.bench.generated import a_request, generate
from harness.loading import load_frames, load_worst
from harness.reports.markdown import render_report
from harness.reports.page.rendering import render_page
from harness.reports.report import Report, report_of
from harness.reports.terminal import print_summary
from harness.stats.worst import MOST_BINARIES, excerpt, spreads

BINARIES = 60


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(a_request(BINARIES, tmp_path_factory.mktemp("runs")))


@pytest.fixture(scope="module")
def report(run: Path) -> Report:
    return report_of(load_worst(run))


def test_what_is_left_out_is_better_than_what_is_listed(report: Report) -> None:
    shown = {row.binary for row in report.shown.rows}
    assert len(shown) == MOST_BINARIES
    judged = [row for row in report.summary.rows if row.counts and row.source == "replay"]
    worst = max(row.reduction_pct or 0 for row in judged if row.binary in shown)
    others = [row.reduction_pct or 0 for row in judged if row.binary not in shown]
    assert min(others) >= worst
    assert excerpt(report.summary, BINARIES) is report.summary
    assert all(row.counts for row in report.summary.rows if row.binary not in shown)


def test_spreads_are_over_all_rows(report: Report) -> None:
    for spread in spreads(report.summary):
        assert list(spread.percentiles) == sorted(spread.percentiles)
        assert spread.rows <= BINARIES
    change = [one for one in spreads(report.summary) if one.what == "change"]
    assert [one.source for one in change] == list(report.summary.sources)
    worst = -min(row.reduction_pct for row in report.summary.of_source("replay")
                 if row.counts and row.reduction_pct is not None)  # fmt: skip
    assert worst == pytest.approx(change[-1].percentiles[-1])


def test_every_row_is_on_the_page_and_only_the_worst_are_drawn_in_full(report: Report) -> None:
    page = render_page(report)
    names = {row.binary for row in report.summary.rows}
    assert all(name in page for name in names)
    assert page.count('<details class="binary"') == MOST_BINARIES
    markdown = render_report(report.summary, report.frames.manifest, {})
    console = Console(width=100, record=True, quiet=False)
    with console.capture() as printed:
        print_summary(report.summary, report.frames.manifest, console)
    for text in (markdown, printed.get()):
        listed = sum(name in text for name in names)
        assert MOST_BINARIES <= listed < BINARIES  # the answer names a few besides
        assert "75 %" in text


def test_only_the_worst_are_loaded_with_their_timelines(run: Path, report: Report) -> None:
    timelines = set(report.frames.timeline["binary"])
    assert timelines == {row.binary for row in report.shown.rows}
    whole = load_frames(run)
    assert len(whole.samples) == len(report.frames.samples)
    assert set(whole.timeline["binary"]) > timelines
