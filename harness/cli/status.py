"""`harness status`: how far a run has come, asked from another shell."""

from __future__ import annotations

import typer

from harness.cli.options import Json, RunDir
from harness.cli.output import write_json
from harness.store.progress import RunStatus, status_of
from harness.text import counted, escaped
from harness.units import format_seconds

_MOST_FAILED = 20


def status(run: RunDir, *, json: Json = False) -> None:
    """Tell how far a run has come, which binaries failed, and whether anybody is at work on it."""
    found = status_of(run)
    if json:
        write_json(found)
        return
    typer.echo(_state(found))
    for name, count in list(found.failed.items())[:_MOST_FAILED]:
        typer.echo(escaped(f"failed: {name} ({counted(count, 'process', 'processes')})"))
    if len(found.failed) > _MOST_FAILED:
        typer.echo(f"and {len(found.failed) - _MOST_FAILED} more (--json lists them)")
    if found.state in {"abandoned", "interrupted"}:
        typer.echo(f"to go on: repeat its command with --resume {run}")


def _state(found: RunStatus) -> str:
    said = [f"{found.state}: {found.begun} of {found.binaries} binaries have records"]
    if (far := found.progress) and found.state != "complete":
        said.append(f"{far.done} of {far.total} {far.unit} done")
        if far.eta_s is not None and found.state == "running":
            said.append(f"about {format_seconds(far.eta_s)} left")
    return ", ".join(said)
