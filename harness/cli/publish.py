"""Turn a stored run into what people read: table, pictures, report.md, one JSON document."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from harness.cli.console import write_line
from harness.cli.pictures import draw_all
from harness.errors import StoreError

if TYPE_CHECKING:
    from harness.reports.provenance import Provenance
    from harness.stats.frames import Frames
    from harness.stats.summary import Summary

_PLOTS = "plots"
_REPORT, _PAGE = "report.md", "report.html"


@dataclass(frozen=True, slots=True)
class Findings:
    """A run as it is reported: its summary, its origin, and what reading it back showed."""

    frames: Frames
    summary: Summary
    provenance: Provenance
    warnings: tuple[str, ...]


def read_findings(run_dir: Path, binary: str = "") -> Findings:
    """Load and summarise a run, or one binary of it.

    pandas takes half a second to import, which a run that has just begun should not wait for.

    Raises:
        StoreError: The run cannot be read.
    """
    from harness.loading import load_frames  # noqa: PLC0415 - see above
    from harness.reports.provenance import Provenance  # noqa: PLC0415
    from harness.stats.frames import of_binary  # noqa: PLC0415
    from harness.stats.summary import summarise  # noqa: PLC0415

    frames = load_frames(run_dir)
    if binary:
        frames = of_binary(frames, binary)
    return Findings(
        frames, summarise(frames), Provenance.of(frames.manifest), tuple(frames.warnings)
    )


def publish(run_dir: Path, target: Path, *, json: bool, html: bool = False) -> Findings:
    """Write plots and report of `run_dir` into `target`, and print what they say.

    The table, or with `json` the document, goes to standard output. With `html`, all of it is
    also written as one page.

    Raises:
        StoreError: The run cannot be read, or `target` not be written.
    """
    findings = read_findings(run_dir)
    try:
        files = _write(findings, run_dir, target, html=html)
    except OSError as error:
        raise StoreError(
            f"cannot write {error.filename or target}: {error.strerror}",
            remedy=f"write elsewhere: python -m harness report {run_dir} --output DIRECTORY",
        ) from error
    if json:
        _print_document(findings, files)
    else:
        _print_table(findings, files)
    return findings


def _write(findings: Findings, run_dir: Path, target: Path, *, html: bool) -> dict[str, str]:
    """Write plots, report and page; return by name where each one is."""
    drawn = draw_all(findings.frames, target / _PLOTS)
    _write_report(findings, target, drawn)
    files = {"report": target / _REPORT}
    if html:
        from harness.cli.page import write_page  # noqa: PLC0415 - a run does without

        files["page"] = target / _PAGE
        write_page(findings, run_dir, files["page"], drawn)
    files |= {name: png for name, (png, _) in drawn.items()}
    return {name: str(path) for name, path in files.items()}


def _write_report(
    findings: Findings, target: Path, pictures: Mapping[str, tuple[Path, str]]
) -> None:
    from harness.reports.markdown import render_report  # noqa: PLC0415
    from harness.stats.copies import held_copies  # noqa: PLC0415

    shown = {png.relative_to(target).as_posix(): question for png, question in pictures.values()}
    held = held_copies(findings.frames.copies)
    text = render_report(findings.summary, findings.provenance, shown, held=held)
    (target / _REPORT).write_text(text, encoding="utf-8")


def _print_document(findings: Findings, files: Mapping[str, str]) -> None:
    from harness.reports.document import summary_document  # noqa: PLC0415

    document = summary_document(
        findings.summary, findings.provenance, files=files, warnings=findings.warnings
    )
    write_line(msgspec.json.encode(document))


def _print_table(findings: Findings, files: Mapping[str, str]) -> None:
    from harness.reports.sweep import print_sweep  # noqa: PLC0415
    from harness.reports.terminal import print_summary  # noqa: PLC0415
    from harness.stats.copies import held_copies  # noqa: PLC0415
    from harness.stats.sweep import SWEEP, sweep_points  # noqa: PLC0415
    from harness.tables import make_console  # noqa: PLC0415

    console = make_console(sys.stdout)
    held = held_copies(findings.frames.copies)
    if findings.frames.manifest.get("kind") == SWEEP:
        print_sweep(sweep_points(findings.frames), findings.provenance, console)
    else:
        print_summary(findings.summary, findings.provenance, console, held=held)
    for warning in findings.warnings:
        console.print(f"warning: {warning}", markup=False)
    console.print()
    width = max(map(len, files))
    for name, path in files.items():
        console.print(f"{name:{width}}  {path}", markup=False, soft_wrap=True)
