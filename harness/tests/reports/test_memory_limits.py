"""What a run found out about memory limits stands in every report, and nothing where it did not."""

from __future__ import annotations

from io import StringIO

import pytest
from msgspec import structs
from rich.console import Console

from harness.config import MIB, LimitOptions
from harness.limits.edge import FAILED, KILLED, SURVIVED
from harness.limits.found import Found
from harness.records import Attempt
from harness.reports.document import summary_document
from harness.reports.limit import answer, print_limits
from harness.reports.markdown import render_report
from harness.reports.page.rendering import render_page
from harness.reports.report import report_of
from harness.reports.terminal import print_report
from harness.stats.frames import Frames
from harness.stats.limits import found_limits
from harness.tests.described import assert_described
from harness.tests.stats.made import ARMS, Tried, limited

CLEAN: Tried = {0: [SURVIVED], 14: [SURVIVED] * 2, 13: [KILLED] * 2}
TORN: Tried = {18: [SURVIVED] * 2, 17: [KILLED, SURVIVED], 16: [SURVIVED, KILLED]}


SEARCH = LimitOptions(backend="cgroup_v2")


def told(run: Frames) -> str:
    """Return what terminal, report.md and page say, one after the other."""
    report, file = report_of(run), StringIO()
    print_report(report, Console(file=file, width=80))
    return "\n".join([file.getvalue(), render_report(report, {}), render_page(report)])


def test_every_report_says_which_limits_are_survived() -> None:
    run = limited(SEARCH, legacy=TORN, streaming=CLEAN)
    said = " ".join(told(run).split())
    for name in ("{}", "`{}`", "<bdi>{}</bdi>"):
        old, new = map(name.format, ARMS)
        assert f" {new} survives 14.0 MiB, {old} 18.0 MiB, over 1 binary" in said
    assert said.count("17..18 -> 14") == 2  # in the terminal and in report.md
    assert "17..18 → 14" in said
    assert said.count("17.0 MiB to 18.0 MiB") == 2  # the tables of limits in report.md and page
    document = summary_document(report_of(run))
    assert_described("summary.json", document)
    (row,) = document["rows"]
    assert row["baseline"]["limit"]["edge"] == {
        "survives_bytes": 18 * MIB,
        "killed_bytes": 17 * MIB,
        "steady": False,
        "attempts": 6,
    }
    assert row["candidate"]["limit"]["made_of"] == {
        "interpreter_bytes": 10_000_000,
        "live_heap_bytes": 1_000_000,
        "not_returned_bytes": 500_000,
        "cache_and_kernel_bytes": 12 * MIB - 11_500_000,
    }
    assert [one["outcome"] for one in row["candidate"]["limit"]["attempts"]] == [
        *[SURVIVED] * 3,
        *[KILLED] * 2,
    ]


def test_a_run_without_limits_says_nothing_of_them() -> None:
    made = limited(SEARCH)
    options = structs.replace(made.manifest.options, memory_limits=None)
    without = structs.replace(made.manifest, options=options)
    said = told(Frames.build(without, samples=made.samples))
    assert "limit MiB" not in said
    assert "Memory limits" not in said


@pytest.mark.parametrize(
    ("options", "tried", "shown"),
    [
        (SEARCH, CLEAN, "14.0 MiB"),
        (SEARCH, TORN, "17.0 MiB to 18.0 MiB"),
        (SEARCH, {18: [SURVIVED], 10: [KILLED]}, "10.0 MiB to 18.0 MiB"),
        (SEARCH, {18: [KILLED]}, "not known: the search did not reach its end"),
        (SEARCH, {}, "not known: no limit was tried"),
        (
            LimitOptions(backend="cgroup_v2", replicates=1, under_bytes=(64 * MIB,)),
            {64: [KILLED]},
            "killed at 64.0 MiB",
        ),
    ],
)
def test_an_answer_is_a_limit_an_interval_or_why_there_is_none(
    options: LimitOptions, tried: Tried, shown: str
) -> None:
    *_, found = found_limits(limited(options, streaming=tried))
    assert answer(found) == shown


def test_every_report_says_which_limits_are_not_known_and_why() -> None:
    said = " ".join(told(limited(SEARCH, streaming={18: [SURVIVED], 17: [FAILED]})).split())
    assert "everything that was asked for was measured" not in said
    assert "an attempt failed for another reason: it burst (source" in said
    assert said.count("failed for another reason: it burst") == 3


def test_of_a_fleet_those_that_need_most_are_shown_and_how_many_survive_is_said() -> None:
    """Of 100 binaries, the arm of every tenth is killed."""
    limit = 64 * MIB
    found = [
        Found(
            binary=f"lib{number:02}",
            arm="streaming",
            source="replay",
            backend="cgroup_v2",
            attempts=[
                Attempt(
                    backend="cgroup_v2",
                    limit_bytes=limit,
                    outcome=SURVIVED if number % 10 else KILLED,
                )
            ],
        )
        for number in range(100)
    ]
    file = StringIO()
    print_limits(found, [limit], Console(file=file, width=80))
    lines = file.getvalue().splitlines()
    assert sum("killed at 64.0 MiB" in line for line in lines) == 10
    assert lines[-3:] == [
        "20 more that need less: --json has them",
        "Source replay is the pipeline alone; with extraction, as in production: --source both",
        "Under 64.0 MiB, streaming survives 90 of 100 cases.",
    ]
