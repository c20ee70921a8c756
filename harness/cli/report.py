"""`harness report`: read a stored run back and show what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import Json, RunDir
from harness.cli.output import refuse_sealed, warn, write_line
from harness.cli.publish import publish, refuse_broken
from harness.errors import ConfigError
from harness.loading import load_worst
from harness.reports.gc_trace import iter_gc_lines
from harness.reports.report import report_of
from harness.store.reader import RECORDS, read_run


def report(  # noqa: PLR0913 - every parameter is an option of the command
    run: RunDir,
    *,
    output: Annotated[
        Path | None, typer.Option(help="Where to write. Default: the run directory.")
    ] = None,
    html: Annotated[
        bool,
        typer.Option("--html", help="Write report.html too: one file, to be opened from disk."),
    ] = False,
    png: Annotated[
        bool, typer.Option("--png", help="Write each picture as PNG too, besides its SVG.")
    ] = False,
    json: Json = False,
    gc_trace: Annotated[
        bool,
        typer.Option(
            "--gc-trace", help="Print only one line per garbage collection, as Go's gctrace=1 does."
        ),
    ] = False,
) -> None:
    """Print the table of RUN, finished or not, and write its pictures and report.md."""
    if gc_trace:
        if json or html or png or output:
            raise ConfigError(
                "--gc-trace prints text and writes no files",
                remedy=f"leave the other options out; as data, collections are in {run / RECORDS}",
            )
        _print_gc_trace(run)
        return
    refuse_sealed(output or run, "--output")
    refuse_broken(publish(report_of(load_worst(run)), output or run, json=json, html=html, png=png))


def _print_gc_trace(run: Path) -> None:
    warnings: list[str] = []
    for line in iter_gc_lines(read_run(run), warnings):
        write_line(line.encode())
    for warning in warnings:
        warn(warning)
