"""What is listed of a run over many binaries: the worst, and how all of them lie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from harness.bench import scale
from harness.bench.generated import a_request, generate
from harness.comparing import compare_runs
from harness.gates.suite import load_suite
from harness.judging import judge
from harness.loading import NUMBERS, iter_complete, load_frames, load_worst
from harness.registry import load, names
from harness.reports.gate.terminal import print_comparison, print_verdict
from harness.reports.history import print_history
from harness.reports.markdown import render_report
from harness.reports.page.rendering import render_page
from harness.reports.report import Report, report_of
from harness.reports.terminal import print_report
from harness.stats.check import Outcome
from harness.stats.compare import Rule
from harness.stats.trends import trends_of
from harness.stats.worst import MOST_BINARIES, excerpt, spreads

BINARIES = 100
_MOST_LINES = 300
"""Of a terminal, over however many binaries."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two runs of 200 rows that differ in every peak."""
    results = tmp_path_factory.mktemp("runs")
    return [generate(a_request(BINARIES, results), version) for version in (0, 1)]


@pytest.fixture(scope="module")
def run(runs: list[Path]) -> Path:
    return runs[0]


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
    markdown = render_report(report, {})
    printed = told(lambda console: print_report(report, console))
    for text in (markdown, printed):
        listed = sum(name in text for name in names)
        assert MOST_BINARIES <= listed < BINARIES  # the answer names a few besides
        assert "75 %" in text


def test_only_the_worst_are_loaded_with_their_timelines(run: Path, report: Report) -> None:
    timelines = set(report.frames.timeline["binary"])
    assert timelines == {row.binary for row in report.shown.rows}
    whole = load_frames(run)
    assert len(whole.samples) == len(report.frames.samples)
    assert set(whole.timeline["binary"]) > timelines


def told(say: Callable[[Console], None]) -> str:
    console = Console(width=100)
    with console.capture() as printed:
        say(console)
    assert printed.get().count("\n") <= _MOST_LINES
    return printed.get()


def test_what_a_terminal_tells_of_two_runs_is_bounded(runs: list[Path]) -> None:
    document, notes = compare_runs(runs[0], runs[1], Rule())
    assert len(document.experiments) > 3 * _MOST_LINES
    said = told(lambda console: print_comparison(document, notes, console, everything=False))
    assert "more rows, not the gravest: --json has all" in said
    trends = trends_of(list(iter_complete(runs, lambda _: None)), ())
    assert sum(bool(trend.changes) for trend in trends) > _MOST_LINES
    said = told(lambda console: print_history(trends, len(runs), console, everything=False))
    assert "more that changed less" in said


def test_what_a_terminal_tells_of_a_verdict_is_bounded(runs: list[Path], tmp_path: Path) -> None:
    """Every peak grew by more than is tolerated."""
    file = tmp_path / "fleet.toml"
    file.write_text(scale.SUITE.replace("tolerance = 1\n", "tolerance = 0.001\n"))
    verdict = judge(load_suite(file), load_frames(runs[1], NUMBERS), runs[0])
    regressed = [row for row in verdict.experiments if row.outcome is Outcome.REGRESSED]
    assert len(regressed) > 0.9 * 2 * BINARIES
    assert "more rows, not the gravest" in told(lambda console: print_verdict(verdict, console))


def test_every_plot_stays_as_high_as_a_screen_or_two(report: Report) -> None:
    for name in names("plot"):
        _, inches = load("plot", name)(report.frames).get_size_inches()
        assert inches < 33, name
