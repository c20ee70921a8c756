"""`harness baseline ratchet`: bounds from measurements, that only ever become tighter."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from harness.cli.options import BaselineDir, Json, RunDir
from harness.cli.output import output_console, write_json
from harness.config import BASELINE
from harness.gates.ratchet import Decision
from harness.judging import ratchet_bounds
from harness.stats.labels import inert
from harness.suites import find_suite, suite_names
from harness.tables import turn
from harness.units import format_value


def ratchet(  # noqa: PLR0913 - every parameter is an option of the command
    run: RunDir,
    *,
    suite: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            autocompletion=suite_names,
            help="The suite whose checks get bounds, or a .toml.",
        ),
    ],
    loosen: Annotated[
        bool,
        typer.Option("--loosen", help="Also accept looser bounds. Default: only tighter ones."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only report what would be done.")
    ] = False,
    baseline: BaselineDir = BASELINE,
    json: Json = False,
) -> None:
    """Propose a bound for every check of the suite that has none written down, from RUN.

    The margin is that of a tolerance interval (with 95 % confidence, 99 % of further replicates
    keep to the bound), and at least the tolerance of the experiment. A bound is only ever
    tightened, unless --loosen is given.
    """
    chosen = find_suite(suite)
    decisions = ratchet_bounds(run, baseline, chosen, loosen=loosen, dry_run=dry_run)
    if json:
        write_json(decisions)
    else:
        _print_decisions(decisions, output_console(), dry_run=dry_run)


def _print_decisions(decisions: list[Decision], console: Console, *, dry_run: bool) -> None:
    for decision in decisions:
        proposal = decision.proposal
        old, new = (
            "none" if value is None else format_value(value, proposal.unit)
            for value in (decision.standing, proposal.upper_bound)
        )
        why = f" ({decision.why})" if decision.why else ""
        observed = format_value(proposal.observed, proposal.unit)
        console.print(
            Text(
                inert(
                    f"{proposal.experiment} {proposal.check}: {decision.change}{why}: "
                    f"{turn(old, new)}, {proposal.margin_pct:.1f} % above {observed} "
                    f"over {proposal.replicates} replicates"
                )
            ),
            soft_wrap=True,
        )
    if dry_run:
        console.print("nothing was written: --dry-run")
