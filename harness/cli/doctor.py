"""`harness doctor`: is this machine fit to measure on, and is every planted fault caught?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from harness.bench.prove import Proof, iter_proofs
from harness.cli.options import Json
from harness.cli.output import output_console, write_json
from harness.config import DEFAULTS
from harness.errors import HarnessError, MeasurementInvalid
from harness.run.doctor import FAILURE, OK, MachineCheck, iter_checks

_STYLES = {OK: "green", FAILURE: "bold red"}


def doctor(
    *,
    results: Annotated[Path, typer.Option(help="Where runs would be kept.")] = DEFAULTS.results,
    prove: Annotated[
        bool,
        typer.Option(
            "--prove",
            help="Plant a leak, an extra copy, a lost replicate, a truncated capture, a retaining "
            "extractor and a lost scope, and show each being caught.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Check everything that a measurement depends on, with a remedy for what is wrong."""
    checks: list[MachineCheck] = []
    for check in iter_checks(results):
        checks.append(check)
        if not json:
            style = _STYLES.get(check.status, "yellow")
            _print(check.status, style, f"{check.name}: {check.detail}", check.remedy)
    failed = [check.name for check in checks if check.status == FAILURE]
    proofs: list[Proof] = []
    for proof in iter_proofs() if prove and not failed else ():
        proofs.append(proof)
        if not json:
            verdict = ("caught" if proof.planted else "clean") if proof.caught else "MISSED"
            style = "green" if proof.caught else "bold red"
            _print(verdict, style, proof.fault, proof.evidence)
    if json:
        write_json({"checks": checks, "proofs": proofs})
    if failed:
        raise HarnessError(f"cannot measure here: {', '.join(failed)}")
    missed = [proof.fault for proof in proofs if not proof.caught]
    if missed:
        raise MeasurementInvalid(f"not caught: {'; '.join(missed)}")


def _print(verdict: str, style: str, what: str, more: str) -> None:
    output_console().print(Text.assemble((f"{verdict:8}", style), what))
    if more:
        output_console().print(Text(f"        {more}", style="dim"))
