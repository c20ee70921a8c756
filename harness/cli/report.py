"""`harness report`: read a stored run back and show what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.publish import publish
from harness.errors import ConfigError
from harness.store.seal import is_sealed


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
    if is_sealed(output or run):
        raise ConfigError(
            f"{output or run} is sealed: writing into it would break the seal",
            remedy="name another directory with --output",
        )
    publish(run, output or run, json=json, html=html)
