"""Every metric of every experiment over many runs: its levels, and where and why they changed."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import pandas as pd

from harness.stats.frames import HISTORY, Frames
from harness.stats.history import LEAST_POINTS, Point, Shift, find_shifts
from harness.stats.metrics import METRICS, kind_of
from harness.stats.samples import Key, Sample, collect
from harness.stats.surroundings import differences, surroundings

_DIGEST, _SHORT = 40, 10  # letters of a whole commit, and of one that people can compare


@dataclass(frozen=True, slots=True)
class Visit:
    """One metric in one run. `level` is the mean of the replicates, between `low` and `high`.

    `commit` is empty when nobody knows it, and `dirty` when the checkout differed from it.
    `environment` holds what changes the numbers without any change of the code: see
    `harness.stats.surroundings`; and which binary it was, and the options.
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
    def constant(self) -> bool:
        """Whether all replicates agree."""
        return self.low == self.high

    @property
    def name(self) -> str:
        """The commit as people write it, or the run when there is none."""
        is_digest = len(self.commit) == _DIGEST and set(self.commit) <= set("0123456789abcdef")
        short = self.commit[:_SHORT] if is_digest else self.commit
        return f"{short}{'+' if self.dirty else ''}" if short else self.run_id


@dataclass(frozen=True, slots=True)
class Step:
    """A change of level from the run `since` to the run `at`, each by its place in the trend.

    `reasons` say what else changed there: then it is a declared break and nobody's regression.
    """

    since: int
    at: int
    delta_pct: float
    reasons: tuple[str, ...] = ()

    @property
    def declared(self) -> bool:
        """Whether numbers before and after cannot be compared."""
        return bool(self.reasons)


@dataclass(frozen=True, slots=True)
class Trend:
    """One metric of one experiment over the runs that measured it, oldest first.

    `exact` trends step wherever the value differs from the run before; of others the levels are
    estimated. `remarks` say what could not be told.
    """

    key: Key
    unit: str
    exact: bool
    visits: tuple[Visit, ...]
    steps: tuple[Step, ...]
    remarks: tuple[str, ...] = ()


def trends_of(runs: Sequence[Frames], metrics: Collection[str] = tuple(METRICS)) -> list[Trend]:
    """Return one trend for each experiment and metric that any run measured, sorted by key.

    Args:
        runs: In any order; they are put into that of their start. A run that is there twice, as a
            baseline is, counts once.
        metrics: Those to follow.
    """
    known = {str(frames.manifest.get("run_id", "")): frames for frames in runs}
    ordered = sorted(known.items(), key=lambda item: (_started(item[1]), item[0]))
    visits: dict[Key, list[Visit]] = {}
    units: dict[Key, str] = {}
    for run_id, frames in ordered:
        for key, sample in _iter_samples(frames, metrics):
            visits.setdefault(key, []).append(_visit(run_id, frames, key, sample))
            units[key] = sample.unit
    return [_trend(key, units[key], tuple(visits[key])) for key in sorted(visits)]


def _started(frames: Frames) -> str:
    return str(frames.manifest.get("started_at", ""))


def _iter_samples(frames: Frames, metrics: Collection[str]) -> Iterator[tuple[Key, Sample]]:
    for arm in sorted(set(frames.samples["arm"]) - {""}):
        for key, sample in collect(frames, arm, arm, metrics).items():
            if sample.numbers:
                yield key, sample


def _visit(run_id: str, frames: Frames, key: Key, sample: Sample) -> Visit:
    low, high = min(sample.numbers), max(sample.numbers)
    return Visit(
        run_id=run_id,
        started_at=_started(frames),
        commit=str(frames.manifest.get("commit", "")),
        dirty=bool(frames.manifest.get("dirty")),
        level=low if low == high else fmean(sample.numbers),
        low=low,
        high=high,
        replicates=len(sample.numbers),
        environment={
            **surroundings(key.metric, frames.manifest),
            "binary": " ".join(sorted(digest[:12] for digest in sample.inputs)),
            **_options(frames.manifest, key.arm),
        },
    )


def _options(manifest: Mapping[str, Any], arm: str) -> dict[str, str]:
    """Return what decides how an arm works, flat, so that a difference can be named."""
    options = manifest.get("options", {})
    arms: dict[str, Any] = {found["name"]: found for found in options.get("arms", [])}
    own = arms.get(arm, {})
    given = {
        **options.get("symbol_options", {}),
        **options.get("pipeline_options", {}),
        **(own.get("options") or {}),
        "pipeline": own.get("pipeline", ""),
    }
    return {name: str(value) for name, value in given.items()}


def _trend(key: Key, unit: str, visits: tuple[Visit, ...]) -> Trend:
    declared = kind_of(key.metric).exact
    exact = declared and all(visit.constant for visit in visits)
    points = [
        Point(str(place), visit.level, json.dumps(visit.environment, sort_keys=True))
        for place, visit in enumerate(visits)
    ]
    steps = tuple(_step(visits, shift) for shift in find_shifts(points, exact=exact))
    return Trend(key, unit, exact, visits, steps, tuple(_iter_remarks(visits, declared, exact)))


def _step(visits: Sequence[Visit], shift: Shift) -> Step:
    since, at = int(shift.since), int(shift.label)
    before, after = visits[since].environment, visits[at].environment
    return Step(since, at, shift.delta_pct, tuple(differences(before, after)))


def _iter_remarks(visits: Sequence[Visit], declared: bool, exact: bool) -> Iterator[str]:
    if len(visits) == 1:
        yield "one run: nothing to compare it with"
    if declared and not exact:
        yield "declared exact, but replicates differ in some run: judged as a noisy one"
    if not exact and 1 < len(visits) < LEAST_POINTS:
        yield f"{len(visits)} runs are too few to find a shift in noise: {LEAST_POINTS} are needed"


def history_table(trends: Sequence[Trend]) -> pd.DataFrame:
    """Return one row for each visit, columns as in `harness.stats.frames.HISTORY`."""
    rows = [
        {
            **trend.key._asdict(),
            "run_id": visit.run_id,
            "name": visit.name,
            "started_at": visit.started_at,
            "unit": trend.unit,
            "exact": trend.exact,
            "level": visit.level,
            "low": visit.low,
            "high": visit.high,
            "replicates": visit.replicates,
            **_step_cells(trend, place),
        }
        for trend in trends
        for place, visit in enumerate(trend.visits)
    ]
    return pd.DataFrame(rows, columns=HISTORY)


def _step_cells(trend: Trend, place: int) -> dict[str, Any]:
    step = next((step for step in trend.steps if step.at == place), None)
    if step is None:
        return {"step": "", "delta_pct": 0.0, "reason": ""}
    kind = "break" if step.declared else "shift"
    return {"step": kind, "delta_pct": step.delta_pct, "reason": "; ".join(step.reasons)}
