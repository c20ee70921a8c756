"""Judge stored runs: one by a suite and its gates, one against another, one arm against another."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from msgspec import structs, to_builtins

from harness.config import BASELINE
from harness.contracts import Gate
from harness.errors import ConfigError, ExitCode, MeasurementInvalid, StoreError
from harness.gates.decision import give_verdict
from harness.gates.evidence import Evidence
from harness.gates.ratchet import Decision, ratchet
from harness.gates.suite import Suite
from harness.loading import frames_of, load_frames
from harness.registry import load, names
from harness.run.manifest import rig, versions
from harness.stats import sides
from harness.stats.check import Comparison
from harness.stats.compare import Rule
from harness.stats.environment import differences, environment_of
from harness.stats.files import compare_files
from harness.stats.frames import Frames
from harness.stats.metrics import Metrics
from harness.stats.verdict import ComparisonDocument, FileChanges, Verdict
from harness.store.baseline import (
    Baseline,
    BaselineDocument,
    open_baseline,
    read_bounds,
    replace_bounds,
)
from harness.store.files import files_of
from harness.store.reader import read_run
from harness.store.soundness import iter_objections
from harness.suites import expected_inputs, limited_sources, options_of

# Asked whatever is registered: an installation that lost one of them may not judge by the others.
BUILT_IN = ("bounds", "copies", "inventory", "overshoot", "regression", "same-output", "slope")


def judge(suite: Suite, candidate: Frames, baseline: Path | None, command: str = "") -> Verdict:
    """Ask every gate about a run, with a baseline beside it if there is one.

    Args:
        suite: What is asked for.
        candidate: The tables of the run, as from `load_or_explain`.
        baseline: A run or a promoted baseline.
        command: What gives this verdict again.

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
        inventory=_compare_files(old, candidate),
        command=command,
    )


def load_or_explain(path: Path) -> Frames:
    """Load a run; of one that is damaged, return no rows and the reason among the warnings.

    A verdict is still given then, which is that there can be none, and everybody who reads its
    outputs learns why.

    Raises:
        StoreError: There is no such directory at all.
    """
    try:
        return load_frames(path)
    except StoreError as error:
        if not path.is_dir():
            raise
        return Frames.build(path=path, warnings=[str(error)])


def compare_runs(
    first: Path, second: Path | None, rule: Rule, metrics: Collection[str] = ()
) -> tuple[ComparisonDocument, list[str]]:
    """Compare two runs, or one with the baseline.

    Returns:
        The document, and what has to be known before any row of it is read.

    Raises:
        ConfigError: A side cannot be compared with the other.
        StoreError: A side cannot be read.
    """
    if second is None and not BASELINE.exists():
        raise ConfigError(
            f"there is nothing to compare {first} with: no {BASELINE}",
            remedy="name two runs, or promote one: python -m harness baseline promote RUN",
        )
    old, new = map(load_frames, (BASELINE, first) if second is None else (first, second))
    if old.manifest.run_id == new.manifest.run_id:
        raise ConfigError(
            "a run cannot be compared with itself", remedy="name two, or use --arms OLD NEW"
        )
    rows, files = sides.compare_runs(old, new, rule, metrics), _compare_files(old, new)
    return _document((old, new), ("", ""), rows, files), list(sides.iter_differences(old, new))


def compare_arms(
    path: Path, arms: tuple[str, str], rule: Rule, metrics: Collection[str] = ()
) -> tuple[ComparisonDocument, list[str]]:
    """Compare two arms of one run; returns and raises like `compare_runs`."""
    run = load_frames(path)
    known = sorted(set(map(str, run.samples["arm"])) - {""})
    for arm in arms:
        if arm not in known:
            raise ConfigError(
                f"{path} has no arm {arm!r}", remedy=f"it has {', '.join(known) or 'none'}"
            )
    files = FileChanges(checked=False, note="two arms of one run have the same files")
    return _document((run, run), arms, sides.compare_arms(run, *arms, rule, metrics), files), []


def ratchet_bounds(
    run: Path, baseline: Path, suite: Suite, *, loosen: bool, dry_run: bool
) -> list[Decision]:
    """Propose a bound for each check of the suite that has none, and keep those that take effect.

    Args:
        run: The run to derive bounds from.
        baseline: Beside which bounds are kept.
        suite: Which checks there are.
        loosen: Take looser bounds too.
        dry_run: Write nothing.

    Raises:
        MeasurementInvalid: The run lacks something, or cannot carry a bound.
        ConfigError: Another suite has a bound of the same name.
        StoreError: One of the two cannot be read or written.
    """
    opened, measured = open_baseline(baseline), read_run(run)
    objections = list(iter_objections(measured))
    if objections:
        raise MeasurementInvalid(
            f"{run} can bear no bound: {'; '.join(objections)}",
            remedy="measure again until every replicate succeeds",
        )
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


def baseline_document(opened: Baseline) -> BaselineDocument:
    """Return what a baseline is, and which of its values count on this machine."""
    seal, manifest = opened.seal, opened.run.manifest
    measured = [record for record in opened.run.records if record.values]
    jobs = [record.job for record in measured]
    here = structs.replace(manifest, versions=versions(), rig=rig())
    named = {name for record in measured for name in record.values}
    return BaselineDocument(
        run_id=seal.run_id,
        commit=seal.commit,
        dirty=manifest.dirty,
        command=seal.command,
        promoted_at=seal.promoted_at,
        versions=manifest.versions,
        rig=manifest.rig,
        experiments=len({(job.binary, job.source, job.arm) for job in jobs}),
        files=seal.files,
        left_out=seal.left_out,
        counts_here={
            metric: differences(environment_of(metric, manifest), environment_of(metric, here))
            for metric in Metrics(manifest).compared
            if metric in named
        },
        bounds=opened.bounds,
    )


def _document(
    compared: tuple[Frames, Frames],
    arms: tuple[str, str],
    rows: list[Comparison],
    files: FileChanges,
) -> ComparisonDocument:
    warnings = dict.fromkeys(text for side in compared for text in side.warnings)
    reasons = [*sides.undecided(rows), *warnings]
    old, new = map(sides.side_of, compared, arms)
    return ComparisonDocument(
        exit_code=ExitCode.INVALID if reasons else ExitCode.OK,
        reasons=reasons,
        baseline=old,
        candidate=new,
        inventory=files,
        experiments=rows,
    )


def _compare_files(baseline: Frames | None, candidate: Frames) -> FileChanges:
    """Return how the files changed since the ancestor, if that can be told."""
    if baseline is None:
        return FileChanges(checked=False, note="there is no ancestor to compare with")
    if not (baseline.manifest.run_id and candidate.manifest.run_id):
        return FileChanges(checked=False, note="a side is damaged")
    try:
        return compare_files(files_of(baseline.path), files_of(candidate.path))
    except StoreError as error:
        return FileChanges(checked=False, note=str(error))
