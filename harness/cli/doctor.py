"""`harness doctor`: is this machine fit to measure on, and is every planted fault caught?"""

from __future__ import annotations

from collections.abc import Iterator
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
            _print_check(check)
    failed = [check.name for check in checks if check.status == FAILURE]
    proofs = list(_iter_proofs(quiet=json)) if prove and not failed else []
    if json:
        write_json({"checks": checks, "proofs": proofs})
    if failed:
        raise HarnessError(f"cannot measure here: {', '.join(failed)}")
    missed = [proof.fault for proof in proofs if not proof.caught]
    if missed:
        raise MeasurementInvalid(f"not caught: {'; '.join(missed)}")


def _iter_proofs(*, quiet: bool) -> Iterator[Proof]:
    """Yield each proof as it is done, and print it unless nobody is to read it."""
    for proof in iter_proofs():
        if not quiet:
            _print_proof(proof)
        yield proof


def _print_check(check: MachineCheck) -> None:
    style = _STYLES.get(check.status, "yellow")
    _print(check.status, style, f"{check.name}: {check.detail}", check.remedy)


def _print_proof(proof: Proof) -> None:
    verdict = ("caught" if proof.planted else "clean") if proof.caught else "MISSED"
    _print(verdict, "green" if proof.caught else "bold red", proof.fault, proof.evidence)


def _print(verdict: str, style: str, what: str, more: str) -> None:
    output_console().print(Text.assemble((f"{verdict:8}", style), what))
    if more:
        output_console().print(Text(f"        {more}", style="dim"))
