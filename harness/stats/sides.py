"""Compare two runs, or two arms of one, in everything that both measured: no suite, no gate."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType

import pandas as pd
from msgspec import structs

from harness.stats.check import Case, Comparison, Outcome
from harness.stats.compare import Rule, compare
from harness.stats.copies import first_replicates
from harness.stats.frames import Frames
from harness.stats.growth import grown_lines
from harness.stats.repeat import repeat_command
from harness.stats.samples import Key, Sample, collect, collect_all
from harness.stats.verdict import Side

Samples = Mapping[Key, Sample]


def compare_runs(
    baseline: Frames, candidate: Frames, rule: Rule, metrics: Collection[str] = ()
) -> list[Comparison]:
    """Return one comparison for every binary, source, arm and metric that either run has.

    Without `metrics`, of all that either run declares as compared by default.
    """
    metrics = metrics or {*baseline.metrics.compared, *candidate.metrics.compared}
    old, new = (collect_all(frames, metrics) for frames in (baseline, candidate))
    return with_grown_lines(_compared(old, new, rule, candidate), baseline, candidate)


def compare_arms(
    run: Frames, baseline: str, candidate: str, rule: Rule, metrics: Collection[str] = ()
) -> list[Comparison]:
    """Return one comparison for every binary, source and metric: one arm against the other."""
    metrics = metrics or run.metrics.compared
    old, new = (collect(run, arm, candidate, metrics) for arm in (baseline, candidate))
    found = _compared(old, new, rule, run, baseline)
    return with_grown_lines(found, run, run, {candidate: baseline})


def with_grown_lines(
    comparisons: Iterable[Comparison],
    baseline: Frames,
    candidate: Frames,
    counterparts: Mapping[str, str] = MappingProxyType({}),
) -> list[Comparison]:
    """Return comparisons, those of a peak that regressed with the lines that hold more.

    `counterparts` has the arm of the baseline by that of the candidate, where it is another one.
    """
    return [
        structs.replace(
            one,
            lines=grown_lines(
                _held(baseline, one.case, counterparts.get(one.case.arm, one.case.arm)),
                _held(candidate, one.case, one.case.arm),
            ),
        )
        if one.outcome is Outcome.REGRESSED and one.metric in candidate.metrics.peaks
        else one
        for one in comparisons
    ]


def _held(frames: Frames, case: Case, arm: str) -> pd.DataFrame:
    rows = frames.of_case("copies", case.binary, case.source)
    return first_replicates(rows[rows["arm"] == arm])


def iter_differences(baseline: Frames, candidate: Frames) -> Iterator[str]:
    """Yield what the two manifests say differently of rig, versions and options."""
    old, new = baseline.manifest, candidate.manifest
    yield from _iter_differing(old.rig, new.rig)
    yield from _iter_differing(old.versions, new.versions)
    options = (structs.asdict(each.options.pipeline_options) for each in (old, new))
    yield from _iter_differing(*options)


def undecided(comparisons: Collection[Comparison]) -> list[str]:
    """Return why a verdict cannot be given on all comparisons; nothing when it can."""
    if not comparisons:
        return ["nothing was measured that could be compared"]
    counts = {
        outcome: sum(one.outcome is outcome for one in comparisons)
        for outcome in (Outcome.INVALID, Outcome.INCONCLUSIVE)
    }
    return [f"{count} of {len(comparisons)} comparisons are {outcome}"
            for outcome, count in counts.items() if count]  # fmt: skip


def side_of(frames: Frames, arm: str = "") -> Side:
    """Return what a verdict says about where its numbers come from."""
    manifest = frames.manifest
    changed = ", with changes" if manifest.commit and manifest.dirty else ""
    return Side(
        kind="promoted" if manifest.promoted else "run",
        run_id=manifest.run_id,
        commit=f"{manifest.commit}{changed}",
        arm=arm,
    )


def _compared(
    old: Samples, new: Samples, rule: Rule, frames: Frames, other: str = ""
) -> list[Comparison]:
    """Compare what either side has a value of, or failed to give one."""
    known = {
        key
        for side in (old, new)
        for key, sample in side.items()
        if sample.numbers or sample.failed
    }
    old, new = ({key: side[key] for key in known if key in side} for side in (old, new))
    more = structs.replace(rule, higher_is_better=True)
    rules = {key: more for key, sample in (old | new).items() if sample.metric.better == "more"}
    return [_with_command(one, frames, other) for one in compare(old, new, rules, rule)]


def _with_command(comparison: Comparison, frames: Frames, other: str) -> Comparison:
    case = comparison.case
    command = repeat_command(
        frames.manifest,
        (case.binary, case.source),
        [arm for arm in (other, case.arm) if arm],
        probe=frames.metrics.probe(comparison.metric),
        replicates=comparison.replicates_needed or 0,
    )
    return structs.replace(comparison, repeat_command=command)


def _iter_differing(old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[str]:
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name) and name != "harness":
            yield f"{name}: {old.get(name, 'unknown')} and {new.get(name, 'unknown')}"
