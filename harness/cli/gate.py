"""`harness gate`: hold a run against a suite, and decide."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from msgspec import to_builtins

from harness.cli.output import error_console, write_line
from harness.cli.process import dispensable_output
from harness.cli.sides import Opened, compare_files_of, open_or_explain
from harness.cli.suites import expected_inputs, find_suite, limited_sources, options_of
from harness.config import BASELINE, SUITE
from harness.contracts import Gate
from harness.errors import ConfigError, StoreError
from harness.gates.decision import give_verdict
from harness.gates.evidence import Evidence, RatchetedBound
from harness.gates.suite import Suite
from harness.records import Manifest
from harness.registry import load, names
from harness.reports.gate.junit import render_junit
from harness.reports.gate.markdown import render_decision, render_verdict
from harness.reports.gate.terminal import print_verdict
from harness.stats.surroundings import differences, surroundings
from harness.stats.verdict import Verdict
from harness.store.seal import is_sealed
from harness.tables import make_console
from harness.text import escaped, json_bytes, write_file

_SUMMARY = "GITHUB_STEP_SUMMARY"
# Asked whatever is registered: an installation that lost one of them may not judge by the others.
BUILT_IN = ("bounds", "copies", "inventory", "overshoot", "regression", "same-output", "slope")


def gate(
    run: Annotated[Path, typer.Argument(help="The run to judge.", show_default=False)],
    *,
    suite: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="A suite (ci, default, seed) or a .toml file. Without: the one the run was made "
            "for, or default.",
        ),
    ] = "",
    baseline: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The run or promoted baseline to compare with. Without: results/baseline, if "
            "there is one.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where the reports go. Without: RUN/gate."),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print report.json on standard output.")
    ] = False,
) -> None:
    """Judge RUN by every gate, and write report.md, report.json, junit.xml and decision.md.

    Exit codes: 0 everything that guards the job passed; 3 a bound or a comparison that guards it
    failed; 4 something that the suite expects is missing, damaged or mismatched, or a comparison
    that guards the job is inconclusive. 4 is never a regression, and never a pass.

    When GITHUB_STEP_SUMMARY names a file, the report is appended to it.
    """
    if is_sealed(out or run):
        raise ConfigError(
            f"{out or run} is sealed: writing into it would break the seal",
            remedy="name another directory with --out",
        )
    candidate = open_or_explain(run)
    chosen = find_suite(suite or candidate.frames.manifest.options.suite or SUITE)
    verdict = _judge(chosen, candidate, _open_baseline(baseline))
    target = out or run / "gate"
    _write(verdict, chosen, target)
    with dispensable_output():
        if json:
            write_line(json_bytes(verdict))
        else:
            _print(verdict, target)
    raise typer.Exit(verdict.exit_code)


def _open_baseline(given: Path | None) -> Opened | None:
    if given is not None:
        return open_or_explain(given)
    return open_or_explain(BASELINE) if is_sealed(BASELINE) else None


def _judge(suite: Suite, candidate: Opened, baseline: Opened | None) -> Verdict:
    gates: dict[str, Gate] = {
        name: load("gate", name) for name in sorted({*BUILT_IN, *names("gate")})
    }
    return give_verdict(
        gates,
        _evidence(suite, candidate, baseline),
        sides=(baseline.side() if baseline else None, candidate.side()),
        inventory=compare_files_of(baseline, candidate),
        command=shlex.join(["python", "-m", "harness", *sys.argv[1:]]),
    )


def _evidence(suite: Suite, candidate: Opened, baseline: Opened | None) -> Evidence:
    sides = {"candidate": candidate, **({"baseline": baseline} if baseline else {})}
    return Evidence(
        suite=suite,
        inputs=expected_inputs(suite, *(side.frames.manifest for side in sides.values())),
        sources=limited_sources(suite),
        candidate=candidate.frames,
        baseline=baseline.frames if baseline else None,
        ratcheted=_ratcheted(suite, baseline, candidate.frames.manifest),
        defaults=to_builtins(options_of(suite)),
        warnings=[f"{name}: {text}" for name, side in sides.items() for text in side.warnings],
    )


def _ratcheted(
    suite: Suite, baseline: Opened | None, manifest: Manifest
) -> dict[tuple[str, str], RatchetedBound]:
    """Return the bounds beside the baseline; where they say nothing about this run, why not."""
    asked = {(one.name, check.name): check.bounds.series
             for one in suite.experiments for check in one.checks}  # fmt: skip
    found = {}
    for bound in baseline.bounds if baseline else ():
        series = asked.get((bound.experiment, bound.check), "")
        other = differences(
            {"suite": bound.suite, "series": bound.series, **bound.surroundings},
            {"suite": suite.name, "series": series, **surroundings(series, manifest)},
        )
        found[bound.experiment, bound.check] = RatchetedBound(
            upper_bound=bound.upper_bound,
            margin_pct=bound.margin_pct,
            objection=f"its bound was ratcheted elsewhere: {'; '.join(other)}" if other else "",
        )
    return found


def _write(verdict: Verdict, suite: Suite, target: Path) -> None:
    report = render_verdict(verdict, suite.description)
    document = json_bytes(verdict, indent=1) + b"\n"
    outputs = {
        "report.md": escaped(report).encode(),
        "report.json": document,
        "junit.xml": render_junit(verdict),
        "decision.md": escaped(render_decision(verdict)).encode(),
    }
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name, content in outputs.items():
            write_file(target / name, content)
    except OSError as error:
        raise StoreError(
            f"cannot write into {target}: {error.strerror}", remedy="choose another with --out"
        ) from error
    _append_summary(report)


def _append_summary(report: str) -> None:
    """Show the report on the page of the CI job; that this fails is said and changes nothing."""
    path = os.environ.get(_SUMMARY)
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{escaped(report)}\n")
    except OSError as error:
        error_console().print(
            f"warning: cannot append to {_SUMMARY}: {error.strerror}", markup=False
        )


def _print(verdict: Verdict, target: Path) -> None:
    console = make_console(sys.stdout)
    print_verdict(verdict, console)
    console.print(f"\nreport  {target / 'report.md'}", markup=False, soft_wrap=True)
