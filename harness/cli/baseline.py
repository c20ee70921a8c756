"""Manage the baseline that runs are compared with, and its bounds."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from harness.cli.options import BaselineDir, Everything, Json, RunDir, group
from harness.cli.output import output_console, warn, write_json
from harness.comparing import baseline_document, compare_runs
from harness.config import BASELINE
from harness.gates.ratchet import Decision
from harness.judging import ratchet_bounds
from harness.reports.baseline import print_baseline
from harness.reports.gate.terminal import print_comparison
from harness.stats.compare import Rule
from harness.stats.labels import inert
from harness.stats.verdict import BaselineDiff
from harness.store import read_run
from harness.store.baseline import Baseline, open_baseline
from harness.store.baseline import promote as promote_run
from harness.store.soundness import iter_objections
from harness.suites import find_suite, suite_names
from harness.tables import turn
from harness.units import format_value

app = group("baseline", __doc__)


@app.command("promote")
def promote(run: RunDir, *, baseline: BaselineDir = BASELINE, json: Json = False) -> None:
    """Make RUN what others are compared with. Bounds that were ratcheted stay.

    Refused for a run that is not complete, has a failed replicate, is damaged, or whose arms
    delivered different scopes.
    """
    promoted = promote_run(run, baseline)
    _show(promoted, json=json)
    if promoted.run.manifest.dirty:
        warn("the checkout that was measured differed from its commit: nobody can repeat it")


@app.command("show")
def show(*, baseline: BaselineDir = BASELINE, json: Json = False) -> None:
    """Show the baseline, what of it can be compared on this machine, and its bounds.

    Every digest is verified first.
    """
    _show(open_baseline(baseline), json=json)


def _show(opened: Baseline, *, json: bool) -> None:
    document = baseline_document(opened)
    if json:
        write_json(document)
    else:
        print_baseline(document, opened.path, opened.run.manifest, output_console())


@app.command("diff")
def diff(
    run: RunDir,
    *,
    baseline: BaselineDir = BASELINE,
    everything: Everything = False,
    json: Json = False,
) -> None:
    """Show what promoting RUN would change: whether it may be, and every metric that differs.

    Exit codes: 0 every metric could be compared, whatever came of it; 4 one could not.
    """
    objections = list(iter_objections(read_run(run)))
    document, notes = compare_runs(baseline, run, Rule())
    if json:
        whole = BaselineDiff(promotable=not objections, objections=objections, comparison=document)
        write_json(whole)
    else:
        console = output_console()
        for objection in objections:
            console.print(Text(f"cannot be promoted: {inert(objection)}", style="yellow"))
        if not objections:
            console.print("can be promoted")
        print_comparison(document, notes, console, everything=everything)
    raise typer.Exit(document.exit_code)


@app.command("ratchet")
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
