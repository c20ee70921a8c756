"""`harness compare`: what changed between two runs, or between two arms of one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from harness.cli.output import write_line
from harness.cli.sides import Opened, compare_files_of, open_side
from harness.config import BASELINE, TOLERANCE_PCT
from harness.errors import ConfigError, ExitCode
from harness.reports.gate.cells import files_headline
from harness.reports.gate.terminal import print_comparisons
from harness.stats.check import Comparison, Outcome
from harness.stats.compare import Rule
from harness.stats.labels import inert
from harness.stats.samples import Demands
from harness.stats.sides import compare_arms, compare_runs, iter_differences, undecided
from harness.stats.verdict import ComparisonDocument, FileChanges
from harness.tables import make_console
from harness.text import json_bytes

_MOST_ROWS = 40
_COUNTED = (
    Outcome.INVALID,
    Outcome.REGRESSED,
    Outcome.IMPROVED,
    Outcome.CLEAN,
    Outcome.INCONCLUSIVE,
)


def compare(  # noqa: PLR0913 - every parameter is an option of the command
    baseline: Annotated[
        Path, typer.Argument(help="The run to compare with, or the only one.", show_default=False)
    ],
    candidate: Annotated[
        Path | None,
        typer.Argument(
            help="The run that is judged. Without, and without --arms: BASELINE is judged, and "
            "compared with results/baseline.",
            show_default=False,
        ),
    ] = None,
    *,
    arms: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="OLD NEW", help="Compare two arms of one run instead: --arms legacy streaming."
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(help="A metric to compare; repeat it. Without: all that are known."),
    ] = None,
    tolerance: Annotated[
        float, typer.Option(min=0, metavar="PERCENT", help="The change that matters.")
    ] = TOLERANCE_PCT,
    any_rig: Annotated[
        bool,
        typer.Option("--any-rig", help="Compare across machines and versions, for reading only."),
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Print clean rows too, however many there are.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on standard output.")
    ] = False,
) -> None:
    """Compare BASELINE with CANDIDATE, metric by metric, and say how sure that is.

    Exit codes: 0 a verdict could be given to every comparison, whatever it is: judging is what
    `harness gate` is for; 4 at least one is invalid or inconclusive. Name the metrics you want to
    know about with --metric: times are rarely conclusive, what repeats to the byte mostly is.
    """
    rule = Rule(tolerance_pct=tolerance, demands=Demands(any_rig=any_rig))
    document, notes = compare_sides((baseline, candidate), arms, rule, metric or [])
    if json:
        write_line(json_bytes(document))
    else:
        print_comparison(document, notes, everything=everything)
    raise typer.Exit(document.exit_code)


def compare_sides(
    paths: tuple[Path, Path | None], arms: tuple[str, str] | None, rule: Rule, metrics: list[str]
) -> tuple[ComparisonDocument, list[str]]:
    """Return the document, and what has to be known before any row of it is read.

    Raises:
        ConfigError: A side cannot be compared with the other.
        StoreError: A side cannot be read.
    """
    if arms:
        if paths[1] is not None:
            raise ConfigError("--arms compares two arms of one run", remedy="name one run only")
        run = open_side(paths[0])
        _refuse_unknown(run, arms)
        return _document((run, run), arms, compare_arms(run.frames, *arms, rule, metrics)), []
    old, new = _sides(*paths)
    rows = compare_runs(old.frames, new.frames, rule, metrics)
    return _document((old, new), None, rows), list(iter_differences(old.frames, new.frames))


def _sides(first: Path, second: Path | None) -> tuple[Opened, Opened]:
    old, new = (BASELINE, first) if second is None else (first, second)
    if second is None and not BASELINE.exists():
        raise ConfigError(
            f"there is nothing to compare {first} with: no {BASELINE}",
            remedy="name two runs, or promote one: python -m harness baseline promote RUN",
        )
    opened = open_side(old), open_side(new)
    if opened[0].side().run_id == opened[1].side().run_id:
        raise ConfigError(
            "a run cannot be compared with itself", remedy="name two, or use --arms OLD NEW"
        )
    return opened


def _refuse_unknown(run: Opened, arms: tuple[str, str]) -> None:
    known = sorted(set(map(str, run.frames.samples["arm"])) - {""})
    for arm in arms:
        if arm not in known:
            raise ConfigError(
                f"{run.path} has no arm {arm!r}", remedy=f"it has {', '.join(known) or 'none'}"
            )


def _document(
    sides: tuple[Opened, Opened], arms: tuple[str, str] | None, rows: list[Comparison]
) -> ComparisonDocument:
    warnings = dict.fromkeys(text for side in sides for text in side.warnings)
    reasons = [*undecided(rows), *warnings]
    old, new = (side.side(arm) for side, arm in zip(sides, arms or ("", ""), strict=True))
    same_run = FileChanges(checked=False, note="two arms of one run have the same files")
    return ComparisonDocument(
        exit_code=ExitCode.INVALID if reasons else ExitCode.OK,
        reasons=reasons,
        baseline=old,
        candidate=new,
        inventory=same_run if arms else compare_files_of(*sides),
        experiments=rows,
    )


def print_comparison(document: ComparisonDocument, notes: list[str], *, everything: bool) -> None:
    """Print the two sides, what differs between them besides the code, and every row."""
    console = make_console(sys.stdout)
    for name, side in (("baseline ", document.baseline), ("candidate", document.candidate)):
        where = " ".join(filter(None, (side.run_id, side.arm, side.commit)))
        console.print(Text(f"{name}  {inert(where)}", style="bold"), soft_wrap=True)
    for note in notes:
        console.print(Text(f"differs    {inert(note)}", style="yellow"), soft_wrap=True)
    console.print(Text(f"files      {inert(files_headline(document.inventory))}"))
    console.print()
    rows = document.experiments
    print_comparisons(_shown(rows, everything=everything), console)
    _print_counts(document, console)


def _shown(rows: list[Comparison], *, everything: bool) -> list[Comparison]:
    if everything or len(rows) <= _MOST_ROWS:
        return rows
    return [row for row in rows if row.outcome is not Outcome.CLEAN]


def _print_counts(document: ComparisonDocument, console: Console) -> None:
    rows = document.experiments
    counts = {outcome: sum(row.outcome is outcome for row in rows) for outcome in _COUNTED}
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    hidden = len(rows) - len(_shown(rows, everything=False))
    hint = f" ({hidden} clean may be hidden: --all shows them)" if hidden else ""
    console.print(Text(f"{len(rows)} comparisons: {told or 'none'}{hint}", style="bold"))
    for reason in document.reasons:
        console.print(Text(inert(reason)))
