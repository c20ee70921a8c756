"""Print what a stored run says, and write its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.cli.output import output_console, print_files, warn, write_json
from harness.errors import HarnessError
from harness.loading import load_worst
from harness.reports.document import summary_document
from harness.reports.limit import print_limits
from harness.reports.report import Report, report_of
from harness.reports.sweep import print_sweep
from harness.reports.terminal import print_report, print_verdict
from harness.stats.answered import refuse_nothing, refuse_unanswered
from harness.stats.limits import LIMIT, found_limits
from harness.stats.sweep import SWEEP, sweep_points


def publish_run(run_dir: Path, *, report: bool, json: bool, quiet: bool, told: bool) -> Report:
    """Publish a run that has just been measured, with its page if a `report` is wanted.

    Where nothing at all was measured, there is no table to look at; what went wrong was `told`.

    Raises:
        HarnessError: Something that was asked for is not known.
    """
    found = report_of(load_worst(run_dir))
    if not json:
        refuse_nothing(found.frames, told=told)
    broken = publish(found, run_dir if report else None, json=json, html=True, quiet=quiet)
    refuse_unanswered(found.frames, found.summary.rows)
    refuse_broken(broken)
    return found


def refuse_broken(plots: Sequence[HarnessError]) -> None:
    """Say which plot broke down, once everything else is printed and written.

    Raises:
        HarnessError: The first one's; there is none where all were drawn.
    """
    for error in plots[1:]:
        warn(str(error))
    if plots:
        raise plots[0]


def publish(  # noqa: PLR0913 - what commands have options for
    report: Report,
    target: Path | None,
    *,
    json: bool,
    html: bool = False,
    png: bool = False,
    quiet: bool = False,
) -> list[HarnessError]:
    """Write plots and report of a run into `target`, if there is one, and print what they say.

    The table, or with `json` the document, goes to standard output. With `html`, all of it is
    also written as one page, and with `png` each picture as PNG too. With `quiet`, the
    verdict alone is printed. Returns why which plot could not be drawn.

    Raises:
        StoreError: `target` cannot be written.
    """
    files: dict[str, str] = {}
    broken: list[HarnessError] = []
    if target is not None:
        from harness.publishing import write_files  # noqa: PLC0415 - matplotlib

        files, broken = write_files(report, report.frames.path, target, html=html, png=png)
    if json:
        write_json(summary_document(report, files))
    elif quiet:
        print_verdict(report.summary, output_console())
    else:
        _print_table(report, files)
    return broken


def _print_table(report: Report, files: Mapping[str, str]) -> None:
    console = output_console()
    if report.frames.manifest.kind == SWEEP:
        print_sweep(sweep_points(report.frames), report.frames.manifest, console)
    elif report.frames.manifest.kind == LIMIT:
        limits = report.frames.manifest.options.memory_limits
        under = limits.under_bytes if limits else ()
        print_limits(found_limits(report.frames), under, console)
    else:
        print_report(report, console)
    for warning in report.frames.warnings:
        console.print(f"warning: {warning}", markup=False)
    if files:
        console.print()
    print_files(files)
