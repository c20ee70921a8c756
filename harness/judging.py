"""Judge a stored run by a suite and its gates, and ratchet bounds from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import structs, to_builtins

from harness.comparing import compare_run_files
from harness.contracts import Gate
from harness.errors import MeasurementInvalid, StoreError
from harness.gates.decision import give_verdict
from harness.gates.evidence import Evidence
from harness.gates.ratchet import Decision, ratchet
from harness.gates.suite import Suite
from harness.loading import ALL, NUMBERS, frames_of, load_frames
from harness.records import Cell
from harness.registry import load, names
from harness.run.flame import draw_growth
from harness.stats import sides
from harness.stats.check import Comparison, Link
from harness.stats.frames import Frames
from harness.stats.verdict import Verdict
from harness.store.baseline import open_baseline, read_bounds, replace_bounds
from harness.store.reader import read_run
from harness.store.soundness import refuse_objections
from harness.suites import expected_inputs, limited_sources, options_of

# Asked whatever is registered: an installation that lost one of them may not judge by the others.
BUILT_IN = ("bounds", "copies", "inventory", "overshoot", "regression", "same-output", "slope")

_FLAME = "flame graph of the difference"


def judge(suite: Suite, candidate: Frames, baseline: Path | None, command: str = "") -> Verdict:
    """Ask every gate about a run, with a baseline beside it if there is one.

    Raises:
        ConfigError: A gate is not installed.
        StoreError: There is no such baseline.
    """
    gates: dict[str, Gate] = {
        name: load("gate", name) for name in sorted({*BUILT_IN, *names("gate")})
    }
    old = load_or_explain(baseline) if baseline else None
    runs = {"candidate": candidate, **({"baseline": old} if old else {})}
    evidence = Evidence(
        suite=suite,
        inputs=expected_inputs(suite, *(side.manifest for side in runs.values())),
        sources=limited_sources(suite),
        candidate=candidate,
        baseline=old,
        bounds=read_bounds(old.path) if old and old.manifest.promoted else (),
        defaults=to_builtins(options_of(suite)),
        warnings=[f"{name}: {text}" for name, side in runs.items() for text in side.warnings],
    )
    return give_verdict(
        gates,
        evidence,
        sides=(sides.side_of(old) if old else None, sides.side_of(candidate)),
        inventory=compare_run_files(old, candidate),
        command=command,
    )


def with_flames(
    verdict: Verdict,
    traced: tuple[Sequence[Path], Sequence[Path]],
    target: Path,
    say: Callable[[str], None],
) -> Verdict:
    """Draw where each peak that regressed has grown, as far as both sides have kept captures.

    `traced` are the runs of the baseline and those of the candidate. Rows of the verdict that comes
    back have links to their pages; `say` is told which page could not be drawn, and why.
    """
    grown = dict.fromkeys(_cell(row) for row in verdict.experiments if row.lines)
    drawn = draw_growth(*traced, grown, target, say)
    rows = [
        structs.replace(row, links=[*row.links, Link(text=_FLAME, link=drawn[_cell(row)])])
        if row.lines and _cell(row) in drawn
        else row
        for row in verdict.experiments
    ]
    return structs.replace(verdict, experiments=rows)


def _cell(row: Comparison) -> Cell:
    return row.case.binary, row.case.source, row.case.arm


def load_or_explain(path: Path) -> Frames:
    """Load the numbers of a run; of a damaged one no rows, and the reason among the warnings.

    A verdict is still given then, which is that there can be none, and everybody who reads its
    outputs learns why. What pictures alone are drawn from, most of a run, is left out if all gates
    are ours; another one may look at it.

    Raises:
        StoreError: There is no such directory at all.
    """
    try:
        return load_frames(path, NUMBERS if set(names("gate")) <= set(BUILT_IN) else ALL)
    except StoreError as error:
        if not path.is_dir():
            raise
        return Frames.build(path=path, warnings=[str(error)])


def ratchet_bounds(
    run: Path, baseline: Path, suite: Suite, *, loosen: bool, dry_run: bool
) -> list[Decision]:
    """Propose a bound for each check of the suite that has none, and keep those that take effect.

    Raises:
        MeasurementInvalid: The run lacks something, or cannot carry a bound.
        ConfigError: Another suite has a bound of the same name.
        StoreError: One of the two cannot be read or written.
    """
    opened, measured = open_baseline(baseline), read_run(run)
    refuse_objections(measured, MeasurementInvalid, "can bear no bound")
    evidence = Evidence(
        suite=suite,
        inputs=expected_inputs(suite, measured.manifest),
        sources=limited_sources(suite),
        candidate=frames_of(measured),
        bounds=opened.bounds,
    )
    decisions, bounds = ratchet(evidence, loosen=loosen)
    if not dry_run and bounds != opened.bounds:
        replace_bounds(opened, bounds)
    return decisions
