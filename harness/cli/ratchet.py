"""`harness baseline ratchet`: bounds from measurements, that only ever become tighter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from harness.cli.output import output_console, write_line
from harness.cli.suites import expected_inputs, find_suite, limited_sources
from harness.config import BASELINE
from harness.errors import ConfigError, MeasurementInvalid
from harness.gates.evidence import Evidence
from harness.gates.ratchet import Decision, decide, propose
from harness.loading import frames_of
from harness.stats.labels import inert
from harness.stats.surroundings import differences, surroundings
from harness.store import Run, read_run
from harness.store.baseline import Baseline, Bound, open_baseline, replace_bounds
from harness.store.soundness import iter_objections
from harness.tables import turn
from harness.text import json_bytes
from harness.units import format_value


def ratchet(  # noqa: PLR0913 - every parameter is an option of the command
    run: Annotated[Path, typer.Argument(help="A run directory.", show_default=False)],
    *,
    suite: Annotated[
        str, typer.Option(metavar="NAME", help="The suite whose checks get bounds, or a .toml.")
    ],
    loosen: Annotated[
        bool, typer.Option("--loosen", help="Take looser bounds too. Without: only tighter ones.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    baseline: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the baseline is kept.")
    ] = BASELINE,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on standard output.")
    ] = False,
) -> None:
    """Propose a bound for every check of the suite that has none written down, from RUN.

    The margin is that of a tolerance interval (with 95 % confidence, 99 % of further replicates
    keep to the bound), and at least the tolerance of the experiment. A bound is only ever
    tightened, unless --loosen is given.
    """
    opened, measured = open_baseline(baseline), read_run(run)
    objections = list(iter_objections(measured))
    if objections:
        raise MeasurementInvalid(
            f"{run} can bear no bound: {'; '.join(objections)}",
            remedy="measure again until every replicate succeeds",
        )
    decisions, bounds = _decide(opened, measured, suite, loosen=loosen)
    if not dry_run and bounds != opened.bounds:
        replace_bounds(opened, bounds)
    if json:
        write_line(json_bytes(decisions))
    else:
        _print_decisions(decisions, output_console(), dry_run=dry_run)


def _decide(
    opened: Baseline, measured: Run, suite: str, *, loosen: bool
) -> tuple[list[Decision], tuple[Bound, ...]]:
    """Return what each proposal does, and all bounds as they are afterwards."""
    chosen = find_suite(suite)
    frames = frames_of(measured)
    inputs = expected_inputs(chosen, frames.manifest)
    sources = limited_sources(chosen)
    evidence = Evidence(suite=chosen, inputs=inputs, sources=sources, candidate=frames)
    known = {(bound.experiment, bound.check): bound for bound in opened.bounds}
    decisions = []
    for proposal in propose(evidence):
        key = (proposal.experiment, proposal.check)
        here = surroundings(proposal.series, frames.manifest)
        old = known.get(key)
        if old is not None and old.suite != chosen.name:
            raise ConfigError(
                f"check {key[1]!r} of {key[0]!r} has a bound already, by suite {old.suite!r}",
                remedy="give the experiment another name in one of the two suites",
            )
        decision = decide(
            proposal,
            old.upper_bound if old else None,
            elsewhere=_elsewhere(old, proposal.series, here) if old else "",
            loosen=loosen,
        )
        if decision.takes_effect:
            known[key] = _bound(decision, chosen.name, measured, here)
        decisions.append(decision)
    return decisions, tuple(sorted(known.values(), key=lambda one: (one.experiment, one.check)))


def _elsewhere(bound: Bound, series: str, here: dict[str, str]) -> str:
    """Return how a bound differs in what two must share before one of them is the tighter."""
    there = {"series": bound.series, **bound.surroundings}
    return "; ".join(differences(there, {"series": series, **here}))


def _bound(decision: Decision, suite: str, measured: Run, here: dict[str, str]) -> Bound:
    proposal = decision.proposal
    return Bound(
        experiment=proposal.experiment,
        check=proposal.check,
        suite=suite,
        series=proposal.series,
        upper_bound=proposal.upper_bound,
        observed=proposal.observed,
        margin_pct=proposal.margin_pct,
        replicates=proposal.replicates,
        run=measured.manifest.run_id,
        surroundings=here,
    )


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
                    f"{proposal.experiment} {proposal.check}: {decision.turn}{why}: "
                    f"{turn(old, new)}, {proposal.margin_pct:.1f} % above {observed} "
                    f"over {proposal.replicates} replicates"
                )
            ),
            soft_wrap=True,
        )
    if dry_run:
        console.print("nothing was written: --dry-run")
