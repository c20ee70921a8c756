"""`harness doctor`: is this machine fit to measure on, and is every planted fault caught?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from harness.cli.console import output_console
from harness.errors import HarnessError, MeasurementInvalid
from harness.run.doctor import FAILURE, OK, iter_checks
from harness.run.prove import iter_proofs

_STYLES = {OK: "green", FAILURE: "bold red"}


def doctor(
    *,
    results: Annotated[Path, typer.Option(help="Where runs would be kept.")] = Path("results/runs"),
    prove: Annotated[
        bool,
        typer.Option(
            "--prove",
            help="Plant a leak, an extra copy, a lost replicate, a truncated capture, a retaining "
            "extractor and a lost scope, and show each being caught.",
        ),
    ] = False,
) -> None:
    """Look at everything a measurement depends on, with a remedy for what is wrong."""
    failed = list(_iter_failures(results))
    if failed:
        raise HarnessError(f"cannot measure here: {', '.join(failed)}")
    missed = list(_iter_missed()) if prove else []
    if missed:
        raise MeasurementInvalid(f"not caught: {'; '.join(missed)}")


def _iter_failures(results: Path) -> Iterator[str]:
    """Print each check as it is known, and yield the names of those that failed."""
    console = output_console()
    for check in iter_checks(results):
        style = _STYLES.get(check.status, "yellow")
        console.print(Text.assemble((f"{check.status:8}", style), f"{check.name}: {check.detail}"))
        if check.remedy:
            console.print(Text(f"        {check.remedy}", style="dim"))
        if check.status == FAILURE:
            yield check.name


def _iter_missed() -> Iterator[str]:
    """Print each proof as it is done, and yield the faults that were not caught."""
    console = output_console()
    for proof in iter_proofs():
        verdict, style = ("caught", "green") if proof.caught else ("MISSED", "bold red")
        console.print(Text.assemble((f"{verdict:8}", style), proof.fault))
        console.print(Text(f"        {proof.evidence}", style="dim"))
        if not proof.caught:
            yield proof.fault
