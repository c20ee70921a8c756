"""`harness merge`: put shards together, and the replicates of several short runs."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import RunDirs, command_line
from harness.config import DEFAULTS
from harness.store.merged import merge_runs


def merge(
    runs: RunDirs,
    *,
    results: Annotated[Path, typer.Option(help="Where the merged run is put.")] = DEFAULTS.results,
) -> None:
    """Merge several runs into one, and print its directory.

    All shards of one run (`harness run --shard`) are as that run would have been, wherever each was
    measured: times count only between sides from like machines. Other runs add their replicates to
    each other and need one machine and corpus: to compare two commits fairly, alternate short runs
    of both and merge those of each side. The runs must be complete, of the same commit, versions,
    code and options; what differs is named, and a shard that is missing too.
    """
    typer.echo(str(merge_runs(runs, results, shlex.join(command_line()))))
