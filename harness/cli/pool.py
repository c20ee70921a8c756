"""`harness pool`: put the replicates of several short runs together."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import command_line
from harness.config import DEFAULTS
from harness.store.pooled import pool_runs


def pool(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Run directories.", show_default=False)
    ],
    *,
    results: Annotated[Path, typer.Option(help="Where the pool is put.")] = DEFAULTS.results,
) -> None:
    """Merge several runs into one, and print its directory.

    The runs must be complete, of the same commit, machine, corpus and options. To compare two
    commits fairly, alternate short runs of both, and pool the runs of each side.
    """
    typer.echo(str(pool_runs(runs, results, shlex.join(command_line()))))
