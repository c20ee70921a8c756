"""Print what a stored run says, and write its files."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from harness.cli.output import write_line
from harness.publishing import read_report, write_files
from harness.reports.document import summary_document
from harness.reports.report import Report
from harness.reports.sweep import print_sweep
from harness.reports.terminal import print_summary
from harness.stats.sweep import SWEEP, sweep_points
from harness.tables import make_console
from harness.text import json_bytes


def publish(run_dir: Path, target: Path, *, json: bool, html: bool = False) -> Report:
    """Write plots and report of `run_dir` into `target`, and print what they say.

    The table, or with `json` the document, goes to standard output. With `html`, all of it is
    also written as one page.

    Raises:
        StoreError: The run cannot be read, or `target` not be written.
    """
    report = read_report(run_dir)
    files = write_files(report, run_dir, target, html=html)
    if json:
        document = summary_document(
            report.summary,
            report.frames.manifest,
            files=files,
            warnings=report.frames.warnings,
        )
        write_line(json_bytes(document))
    else:
        _print_table(report, files)
    return report


def _print_table(report: Report, files: Mapping[str, str]) -> None:

    console = make_console(sys.stdout)
    if report.frames.manifest.kind == SWEEP:
        print_sweep(sweep_points(report.frames), report.frames.manifest, console)
    else:
        print_summary(report.summary, report.frames.manifest, console, held=report.held)
    for warning in report.frames.warnings:
        console.print(f"warning: {warning}", markup=False)
    console.print()
    width = max(map(len, files))
    for name, path in files.items():
        console.print(f"{name:{width}}  {path}", markup=False, soft_wrap=True)
