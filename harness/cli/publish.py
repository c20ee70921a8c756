"""Print what a stored run says, and write its files."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from harness.cli.output import write_line
from harness.publishing import Findings, read_findings, write_files
from harness.reports.document import summary_document
from harness.reports.sweep import print_sweep
from harness.reports.terminal import print_summary
from harness.stats.sweep import SWEEP, sweep_points
from harness.tables import make_console
from harness.text import json_bytes


def publish(run_dir: Path, target: Path, *, json: bool, html: bool = False) -> Findings:
    """Write plots and report of `run_dir` into `target`, and print what they say.

    The table, or with `json` the document, goes to standard output. With `html`, all of it is
    also written as one page.

    Raises:
        StoreError: The run cannot be read, or `target` not be written.
    """
    findings = read_findings(run_dir)
    files = write_files(findings, run_dir, target, html=html)
    if json:
        document = summary_document(
            findings.summary,
            findings.frames.manifest,
            files=files,
            warnings=findings.frames.warnings,
        )
        write_line(json_bytes(document))
    else:
        _print_table(findings, files)
    return findings


def _print_table(findings: Findings, files: Mapping[str, str]) -> None:

    console = make_console(sys.stdout)
    if findings.frames.manifest.kind == SWEEP:
        print_sweep(sweep_points(findings.frames), findings.frames.manifest, console)
    else:
        print_summary(findings.summary, findings.frames.manifest, console, held=findings.held)
    for warning in findings.frames.warnings:
        console.print(f"warning: {warning}", markup=False)
    console.print()
    width = max(map(len, files))
    for name, path in files.items():
        console.print(f"{name:{width}}  {path}", markup=False, soft_wrap=True)
