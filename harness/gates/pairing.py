"""Compare two runs, or two arms of one, in everything that both measured: no suite, no gate."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from harness.gates.rows import experiment_row
from harness.stats.compare import Comparison, Rule, State, compare
from harness.stats.frames import Frames
from harness.stats.inventory import Key, Sample, pair_arms, pair_runs, probe_for
from harness.stats.metrics import METRICS
from harness.stats.repeat import repeat_command
from harness.stats.verdict import Case, ExperimentRow

_NO_SUITE = ""
_INFORMING = ("rig", "versions")


def compare_runs(
    baseline: Frames, candidate: Frames, rule: Rule, metrics: Collection[str] = ()
) -> list[ExperimentRow]:
    """Return one row for every binary, source, arm and metric that either run has."""
    old, new = pair_runs(baseline, candidate, metrics or tuple(METRICS))
    return _rows(
        compare(_measured(old, new, old), _measured(old, new, new), default=rule), candidate
    )


def compare_arms(
    run: Frames, baseline: str, candidate: str, rule: Rule, metrics: Collection[str] = ()
) -> list[ExperimentRow]:
    """Return one row for every binary, source and metric, the candidate's arm against the other."""
    old, new = pair_arms(run, baseline, candidate, metrics or tuple(METRICS))
    found = compare(_measured(old, new, old), _measured(old, new, new), default=rule)
    return _rows(found, run, baseline)


def iter_differences(baseline: Frames, candidate: Frames) -> Iterator[str]:
    """Yield what the two manifests say differently of rig, versions and options."""
    for part in _INFORMING:
        yield from _iter_differing(baseline.manifest.get(part), candidate.manifest.get(part))
    old, new = (
        frames.manifest.get("options", {}).get("pipeline_options", {})
        for frames in (baseline, candidate)
    )
    yield from _iter_differing(old, new)


def undecided(rows: Collection[ExperimentRow]) -> list[str]:
    """Return why a verdict cannot be given to all rows; nothing when it can."""
    if not rows:
        return ["nothing was measured that could be compared"]
    counts = {
        state: sum(row.state is state for row in rows)
        for state in (State.INVALID, State.INCONCLUSIVE)
    }
    return [f"{count} of {len(rows)} comparisons are {state}"
            for state, count in counts.items() if count]  # fmt: skip


def _measured(
    old: Mapping[Key, Sample], new: Mapping[Key, Sample], side: Mapping[Key, Sample]
) -> dict[Key, Sample]:
    """Leave out what neither side has a value of, and nothing failed to give one."""
    return {
        key: sample
        for key, sample in side.items()
        if any(one and (one.numbers or one.failed) for one in (old.get(key), new.get(key)))
    }


def _rows(
    comparisons: Collection[Comparison], frames: Frames, other: str = ""
) -> list[ExperimentRow]:
    return [_row(comparison, frames, other) for comparison in comparisons]


def _row(comparison: Comparison, frames: Frames, other: str) -> ExperimentRow:
    key = comparison.key
    case = Case(experiment=_NO_SUITE, binary=key.binary, source=key.source, arm=key.arm)
    command = repeat_command(
        frames.manifest,
        (key.binary, key.source),
        [arm for arm in (other, key.arm) if arm],
        probe=probe_for(key.metric),
        replicates=comparison.replicates_needed or 0,
    )
    return experiment_row(comparison, case, repeat_command=command)


def _iter_differing(old: Any, new: Any) -> Iterator[str]:
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name) and name != "harness":
            yield f"{name}: {old.get(name, 'unknown')} and {new.get(name, 'unknown')}"
