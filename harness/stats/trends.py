"""Every metric of every experiment over many runs: its levels, and where and why they changed."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from statistics import fmean
from typing import Literal

from msgspec import Struct, to_builtins

from harness.records import Manifest, Options
from harness.stats.change import finite
from harness.stats.environment import environment_of, on_rig
from harness.stats.frames import Frames
from harness.stats.metrics import Metrics
from harness.stats.samples import Key, Sample, collect_all
from harness.stats.steps import LEAST_POINTS, Step, find_steps
from harness.units import format_exactly

SCHEMA = "harness.history/1"
_Conditions = Callable[[Key, Sample], Mapping[str, str]]
_DIGEST, _SHORT = 40, 10  # letters of a whole commit, and of one that people can compare


class RunLevel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One metric in one run. `level` is the mean of the replicates, between `low` and `high`.

    `commit` is empty when nobody knows it, and `dirty` when the checkout differed from it.
    `environment` holds what changes the numbers without any change of the code: see
    `harness.stats.environment`; and which binary it was, and the options.
    """

    run_id: str
    started_at: str
    commit: str
    dirty: bool
    level: float
    low: float
    high: float
    replicates: int
    environment: Mapping[str, str]

    @property
    def name(self) -> str:
        """The commit as people write it, or the run when there is none."""
        is_digest = len(self.commit) == _DIGEST and set(self.commit) <= set("0123456789abcdef")
        short = self.commit[:_SHORT] if is_digest else self.commit
        return f"{short}{'+' if self.dirty else ''}" if short else self.run_id


class LevelChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of level: a shift, or a break, of which `reasons` say what else changed there.

    `delta_pct` is null when the level before was nothing.
    """

    kind: Literal["shift", "break"]
    run_id: str
    commit: str
    since_run_id: str
    since_commit: str
    delta_pct: float | None
    reasons: list[str]

    @property
    def percent(self) -> float:
        """The change as a number, infinite where the level before was nothing."""
        return math.inf if self.delta_pct is None else self.delta_pct


class Trend(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One metric of one experiment over the runs that measured it, oldest first.

    `exact` trends change wherever the value differs from the run before; of others the levels are
    estimated. `remarks` say what could not be told.
    """

    binary: str
    source: str
    arm: str
    metric: str
    unit: str
    exact: bool
    runs: list[RunLevel]
    changes: list[LevelChange]
    remarks: list[str]

    @property
    def largest_change_pct(self) -> float:
        """How large its largest change is, in either direction; -1 where nothing changed."""
        return max((abs(change.percent) for change in self.changes), default=-1.0)

    def run(self, run_id: str) -> RunLevel:
        """Return the level in one run of the trend."""
        return next(run for run in self.runs if run.run_id == run_id)


class HistoryDocument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `harness history --json` prints; `files` says where the pictures are."""

    schema: str = SCHEMA
    trends: list[Trend]
    files: dict[str, str]


def trends_of(runs: Sequence[Frames], metrics: Collection[str] = ()) -> list[Trend]:
    """Return one trend for each experiment and metric that any run measured, sorted by key.

    Args:
        runs: In any order; they are put into that of their start. A run that is given twice, as a
            baseline is, counts once.
        metrics: Those to follow; by default all that any run declares as compared.
    """
    known = {frames.manifest.run_id: frames for frames in runs}
    ordered = sorted(known.items(), key=lambda item: (item[1].manifest.started_at, item[0]))
    declared = Metrics(*(frames.manifest for _, frames in ordered))
    levels: dict[Key, list[RunLevel]] = {}
    samples: dict[Key, list[Sample]] = {}
    for run_id, frames in ordered:
        conditions = _conditions_of(frames.manifest)
        for key, sample in collect_all(frames, metrics or declared.compared).items():
            if sample.numbers:
                levels.setdefault(key, []).append(_level(run_id, frames, conditions, key, sample))
                samples.setdefault(key, []).append(sample)
    return [
        _trend(key, levels[key], samples[key], declared=declared[key.metric].exact)
        for key in sorted(levels)
    ]


def _conditions_of(manifest: Manifest) -> _Conditions:
    """Return what says what the numbers of a sample depend on; equal answers are one object."""

    @cache
    def environment(metric: str, rigs: frozenset[str]) -> tuple[tuple[str, str], ...]:
        return tuple(environment_of(metric, on_rig(manifest, rigs)).items())

    @cache
    def options(arm: str) -> dict[str, str]:
        return _options(manifest.options, arm)

    @cache
    def whole(found: tuple[tuple[str, str], ...], binary: str, arm: str) -> dict[str, str]:
        return {**dict(found), "binary": binary, **options(arm)}

    def conditions(key: Key, sample: Sample) -> dict[str, str]:
        binary = " ".join(sorted(digest[:12] for digest in sample.inputs))
        return whole(environment(key.metric, sample.on), binary, key.arm)

    return conditions


def _level(
    run_id: str, frames: Frames, conditions: _Conditions, key: Key, sample: Sample
) -> RunLevel:
    low, high = min(sample.numbers), max(sample.numbers)
    return RunLevel(
        run_id=run_id,
        started_at=frames.manifest.started_at,
        commit=frames.manifest.commit,
        dirty=bool(frames.manifest.dirty),
        level=low if low == high else fmean(sample.numbers),
        low=low,
        high=high,
        replicates=len(sample.numbers),
        environment=conditions(key, sample),
    )


def _options(options: Options, arm: str) -> dict[str, str]:
    """Return what decides how an arm works, flat, so that a difference can be named."""
    own = next((found for found in options.arms if found.name == arm), None)
    given = {
        **to_builtins(options.symbol_options),
        **to_builtins(options.pipeline_options),
        **(to_builtins(own.options) if own and own.options else {}),
        "pipeline": own.pipeline if own else "",
    }
    return {name: str(value) for name, value in given.items()}


def _trend(key: Key, runs: list[RunLevel], samples: Sequence[Sample], *, declared: bool) -> Trend:
    grains = [sample.metric.grain for sample in samples]
    spread = [run.high - run.low for run in runs]
    exact = declared and all(apart <= grain for apart, grain in zip(spread, grains, strict=True))
    environments = [run.environment for run in runs]
    steps = find_steps([run.level for run in runs], environments, exact=exact, grains=grains)
    return Trend(
        **key._asdict(),
        unit=samples[-1].unit,
        exact=exact,
        runs=runs,
        changes=[_change(step, runs[step.since], runs[step.at]) for step in steps],
        remarks=list(_iter_remarks(runs, max(grains), declared=declared, exact=exact)),
    )


def _change(step: Step, since: RunLevel, at: RunLevel) -> LevelChange:
    return LevelChange(
        kind=step.kind,
        run_id=at.run_id,
        commit=at.commit,
        since_run_id=since.run_id,
        since_commit=since.commit,
        delta_pct=finite(step.delta_pct),
        reasons=list(step.reasons),
    )


def _iter_remarks(
    runs: Sequence[RunLevel], grain: int, *, declared: bool, exact: bool
) -> Iterator[str]:
    if len(runs) == 1:
        yield "one run: nothing to compare it with"
    elif exact and grain:
        apart = format_exactly(grain)
        yield f"no change of up to {apart} is told: two searches of the same may end so far apart"
    if declared and not exact:
        yield "declared exact, but replicates differ in some run: judged as a noisy one"
    if not exact and 1 < len(runs) < LEAST_POINTS:
        yield f"{len(runs)} runs are too few to find a shift in noise: {LEAST_POINTS} are needed"
