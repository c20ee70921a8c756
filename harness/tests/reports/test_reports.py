"""The same run as Markdown, as a terminal table and as JSON, against golden files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from markdown_it import MarkdownIt
from msgspec import structs

from harness.loading import load_frames
from harness.printing import make_console
from harness.probes.bare import BareProbe
from harness.records import Metric
from harness.reports.beside import line_columns
from harness.reports.cells import overhead_gap
from harness.reports.document import summary_document
from harness.reports.headline import Headline
from harness.reports.markdown import render_report
from harness.reports.report import Report, report_of
from harness.reports.terminal import live_header, live_row, print_report
from harness.stats.copies import Copy, Held
from harness.stats.frames import Frames
from harness.stats.metrics import _builtin_metrics
from harness.stats.summary import summarise
from harness.tests.reports.golden_files import RUN, check
from harness.tests.stats.made import ARMS, batch, delivery, failure, frames, manifest, peaks, sample

PICTURES = {"plots/over shoot.svg": "How far?", "plots/peak_heap.png": "How much heap?"}


@pytest.fixture(scope="module")
def run() -> Report:
    loaded = load_frames(RUN)
    return Report(loaded, summarise(loaded), [])


HELD = [
    Held("big.so", "dwarf", "legacy", (Copy("a.py:1 f", 1.25), Copy("b.py:2 g", 1.0))),
    Held("big.so", "dwarf", "streaming", ()),
    Held("small.so", "dwarf", "legacy", (Copy("a.py:1 f", 12.0),)),
]


def printed(run: Report) -> str:
    file = StringIO()
    print_report(run, make_console(file))
    return file.getvalue()


def rendered(run: Report) -> str:
    page: str = MarkdownIt("commonmark").enable("table").render(render_report(run, PICTURES))
    return page


COST = {"memray": {"cpu_factor": 2.0, "rss_bytes": 1.0, "cells": 1}}


@pytest.mark.parametrize(
    ("probes", "state", "overhead", "said"),
    [
        (["memray"], "complete", {}, "was not measured: add --probe bare."),
        (["memray", "bare"], "interrupted", {}, "is worked out when a run ends"),
        (["memray", "bare"], "complete", {}, "no case succeeded with one and without"),
        (["memray", "bare"], "complete", COST, ""),
        (["bare"], "complete", {}, ""),
    ],
)
def test_a_report_without_overheads_says_why_and_how_to_get_them(
    run: Report, probes: list[str], state: str, overhead: Any, said: str
) -> None:
    cut = manifest(options={"probes": probes}, state=state, overhead=overhead)
    gap = overhead_gap(cut)
    assert said in gap
    assert bool(gap) == bool(said)
    told = structs.replace(run, frames=replace(run.frames, manifest=cut))
    assert gap in render_report(told, PICTURES)
    assert gap in " ".join(printed(told).split())


GOLDEN: dict[str, Callable[[Report], str]] = {
    "report.md": lambda run: render_report(run, PICTURES),
    "terminal.txt": printed,
    "terminal_copies.txt": lambda run: printed(structs.replace(run, held=HELD)),
    "live.txt": lambda run: "".join(
        f"{line.plain}\n"
        for line in [
            live_header(run.summary),
            *(live_row(row, run.summary) for row in run.summary.rows),
        ]
    ),
    "document.json": lambda run: (
        json.dumps(summary_document(run, {"report": "report.md"}), indent=2, allow_nan=False) + "\n"
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_run_is_told_as_the_golden_file_has_it(run: Report, name: str) -> None:
    check(name, GOLDEN[name](run))


def test_a_metric_that_one_of_our_probes_declares_is_shown_with_nothing_else_touched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A zero counts; what only details are told of, or another column shows, is not there twice."""
    names = {"page_faults_major": "count", "pss_end": "byte", "cpu": "second"}
    monkeypatch.setattr(
        BareProbe, "metrics", (*BareProbe.metrics, Metric("page_faults_major", "count"))
    )
    _builtin_metrics.cache_clear()
    rows = [
        sample("a.so", arm, 0.0, probe="bare", metric=name, unit=unit, replicate=number)
        for arm in ARMS for name, unit in names.items() for number in (1, 2)
    ]  # fmt: skip
    found = report_of(frames([*peaks("a.so", [2e6], [1e6]), *rows], ["a.so"]))
    for shown in (printed(found), render_report(found, {})):
        told = shown.replace("\\", "").partition("Other metrics")[2]
        table = told.strip().partition("\n\n")[0]
        assert table.count("page_faults_major") == 1
        assert table.count("=0") == len(ARMS)
        assert "pss_end" not in table
        assert "cpu" not in table
    _builtin_metrics.cache_clear()


def test_the_answer_says_from_which_size_on_the_claim_holds() -> None:
    sizes = {"small": 1, "lucky": 2, "middle": 3, "large": 5, "huge": 8}
    made = frames(
        [
            row
            for name in sizes
            for row in peaks(name, [100], [60 if name in ("small", "middle") else 10])
        ],
        deliveries=[
            delivery(name, arm, raw_bytes=size * 2**20)
            for name, size in sizes.items()
            for arm in ARMS
        ],
    )
    finding, _ = Headline(summarise(made)).iter_findings()
    assert finding.support == (
        "At least 61 % less holds for all 2 with 5.0 MiB of JSON or more: huge, large. "
        "Below that it fails for middle (-40.0 %), small (-40.0 %) and holds for lucky."
    )


def test_hostile_names_are_inert_in_the_report(run: Report) -> None:
    page = rendered(run)
    assert "<script" not in page
    assert "\x1b" not in page
    assert r"<code>\x1b[31mev\x7cil`$x$&lt;script&gt;" in page


def test_commands_with_hostile_names_stay_in_their_block(run: Report) -> None:
    blocks = re.findall(r"<pre><code[^>]*>(.*?)</code></pre>", rendered(run), re.DOTALL)
    assert len(blocks) == 2
    assert len(blocks[1].splitlines()) == len(run.summary.rows)


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [
        pytest.param({}, False, id="pipe"),
        pytest.param({"FORCE_COLOR": "1", "TERM": "xterm-256color"}, True, id="terminal"),
        pytest.param({"NO_COLOR": "1"}, False, id="no colour"),
        pytest.param({"CI": "true", "TERM": "dumb"}, False, id="log"),
    ],
)
def test_colours_go_to_terminals_only(
    run: Report, environment: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[" in printed(run)) == coloured


def test_wide_names_leave_the_columns_aligned() -> None:
    found = summarise(frames([*peaks("日本" * 20, [9], [1]), *peaks("a", [9], [1])]))
    assert len({live_row(row, found).cell_len for row in found.rows}) == 1


def _findings(rows: list[dict[str, Any]], **tables: Any) -> Callable[[], str]:
    """Return what tells the findings, and is not asked before the test runs."""

    def tell() -> str:
        summary = summarise(frames(rows, {row["binary"] for row in rows}, **tables))
        findings = Headline(summary).iter_findings()
        return " ".join(f"{finding.answer} {finding.support}" for finding in findings)

    return tell


@pytest.mark.parametrize(
    ("tell", "expected"),
    [
        pytest.param(_findings([]), "No verdict: nothing was measured", id="nothing"),
        pytest.param(_findings([failure("a", "streaming")]), "No verdict on extraction",
                     id="only failures"),
        pytest.param(_findings(peaks("a", [100], [22])), "needs 78 % less peak heap than",
                     id="less"),
        pytest.param(_findings(peaks("a", [100], [150])), "needs 50 % more peak heap", id="more"),
        pytest.param(_findings(peaks("a", [100], [22])), "holds for every one", id="all hold"),
        pytest.param(_findings(peaks("a", [100], [90])), "holds for none: a (-10.0 %)", id="none"),
        pytest.param(_findings(peaks("a", [100], [90]), batches=[batch("a", 1, 40_000)]),
                     "beyond the bound of 32.0 KiB. Beyond it: a.",
                     id="overshoot beyond the bound"),
        pytest.param(_findings(peaks("a", [100], [90]), batches=[batch("a", 1, -4, final=True)]),
                     "nothing is known of overshoot", id="threshold never reached"),
        pytest.param(_findings([row for n in range(9) for row in peaks(f"b{n}", [100], [1])]),
                     "at least 61 % less holds for every one".capitalize(), id="many"),
    ],
)  # fmt: skip
def test_findings_say_what_is_known_and_no_more(tell: Callable[[], str], expected: str) -> None:
    assert expected in tell()


def test_copies_are_told_by_their_places_and_who_holds_none_is_named(run: Report) -> None:
    held = [
        Held("a.so", "dwarf", "legacy", (Copy("x.py:1 `f`|g", 1.25), Copy("y.py:2 h", 1.0))),
        Held("a.so", "dwarf", "streaming", ()),
    ]
    report = render_report(structs.replace(run, held=held), PICTURES)
    assert r"x.py:1 `f`\x7cg`` (1.25), `y.py:2 h` (1.00) | `a.so` |" in report
    assert "None with streaming on source dwarf, over 1 of the binaries." in report


def test_lines_that_hold_the_copies_of_several_binaries_are_told_once(run: Report) -> None:
    held = [
        Held(name, source, "legacy", (Copy("x.py:1 f", size), Copy("y.py:2 g", 1.0)))
        for source in ("dwarf", "replay")
        for name, size in (("a.so", 1.25), ("b.so", 0.75), ("big.so", 1.5))
    ]
    held.append(Held("c.so", "dwarf", "legacy", ()))
    report = render_report(structs.replace(run, held=held), PICTURES)
    assert report.count("`x.py:1 f` (0.75 to 1.50), `y.py:2 g` (1.00)") == 2
    assert report.count("x.py:1") == 2
    assert report.count("| `a.so`, `b.so`, `big.so` |") == 2
    assert "| 2.5 -> - |" in report


def test_a_run_that_was_cut_short_says_so() -> None:
    cut = replace(frames(peaks("a", [9], [1])), manifest=manifest(state="interrupted"))
    assert "did not reach its end" in render_report(report_of(cut), {})
    assert "did not reach its end" in printed(report_of(cut))


def test_a_manifest_that_says_nothing_makes_a_report_all_the_same() -> None:
    report = render_report(report_of(Frames.build()), {})
    assert "nothing was measured" in report


@pytest.mark.parametrize("arm", ARMS)
def test_of_a_pipeline_that_was_measured_alone_nothing_is_missed_or_compared(arm: str) -> None:
    rows = [row for row in peaks("a.so", [2048, 2048], [2048, 2048]) if row["arm"] == arm]
    options = {"arms": [{"name": arm, "pipeline": "p:run"}]}
    found = report_of(replace(frames(rows), manifest=manifest(options=options)))
    for said in (printed(found), render_report(found, {})):
        assert "2.0 KiB" in said
        assert "nothing is compared" in said
        assert "missing" not in said
        assert "No verdict" not in said
        assert next(name for name in ARMS if name != arm) not in said


@pytest.mark.parametrize(
    ("arms", "short"),
    [
        (("tabulate==0.8.10", "tabulate==0.9.0"), ("0.8.10", "0.9.0")),
        (("", "export:encode_all"), ("", "encode_all")),
        (("legacy", "streaming"), ("legacy", "streaming")),
        (("m:a_name_that_is_long_1", "m:a_name_that_is_1"), ("a_na..ng_1", "a_na..is_1")),
        (("abcdefghXijklmn", "abcdefghYijklmn"), ("abcd..klmn", "abc..lmn~2")),
    ],
)
def test_headings_tell_two_arms_apart_however_narrow(
    arms: tuple[str, str], short: tuple[str, str]
) -> None:
    columns = {one.key: one for one in line_columns(arms, [])}
    found = (columns[key].short for key in ("baseline", "candidate") if key in columns)
    assert tuple(found) == tuple(filter(None, short))
