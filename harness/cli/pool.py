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
    """Make one run of several, and print its directory.

    They have to be complete and of one commit, machine, corpus and set of options. Two commits are
    compared fairly when each makes several short runs in turn, and each side's runs are pooled.
    """
    typer.echo(str(pool_runs(runs, results, shlex.join(command_line()))))
