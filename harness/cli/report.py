"""`harness report`: read a stored run back and show what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.publish import publish


def report(
    run: Annotated[Path, typer.Argument(help="A run directory.", show_default=False)],
    *,
    output: Annotated[
        Path | None, typer.Option(help="Where to write; without, into the run directory.")
    ] = None,
    html: Annotated[
        bool,
        typer.Option("--html", help="Write report.html too: one file, to be opened from disk."),
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on standard output.")
    ] = False,
) -> None:
    """Print the table of RUN, finished or not, and write its pictures and report.md."""
    publish(run, output or run, json=json, html=html)
