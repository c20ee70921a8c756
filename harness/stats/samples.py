"""What each side of a comparison brings, and whether the two may be compared at all."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from math import isfinite
from typing import Any, NamedTuple

import pandas as pd
from msgspec import Struct, structs

from harness.records import Metric
from harness.stats.doubts import delivered
from harness.stats.environment import comparable_with, on_rig, rig_differences
from harness.stats.frames import Frames, rows_by_case
from harness.stats.metrics import UNDECLARED
from harness.text import counted
from harness.units import format_exactly


class Key(NamedTuple):
    """What two sides are matched by: an experiment (binary, source, arm) and a metric of it.

    When two arms of one run are compared, `arm` is the candidate's.
    """

    binary: str
    source: str
    arm: str
    metric: str


class Sample(Struct, frozen=True):
    """The numbers of one metric on one side, one a successful replicate, and where they are from.

    `failed` counts replicates of the same probe that did not end well, `unusable` values that are
    no measurement although theirs did (no number, or zero where that cannot be), `repeated` values
    of one that has given its own already; `outputs` are the digests of what was delivered;
    `inputs` those of the binary; `rig` is what both sides have to share, `on`
    which rigs of a merged run these are; `runs` are those that
    measured them, each named by when it began; addresses were `randomised` in one of the processes
    at least; `metric` is what the probe declares.
    """

    numbers: tuple[float, ...]
    unit: str
    failed: int = 0
    unusable: int = 0
    repeated: int = 0
    inputs: frozenset[str] = frozenset()
    outputs: frozenset[str] = frozenset()
    rig: str = ""
    runs: tuple[str, ...] = ()
    on: frozenset[str] = frozenset()
    randomised: bool = False
    metric: Metric = UNDECLARED

    @property
    def agrees(self) -> bool:
        """Whether no two of the numbers differ."""
        return len(set(self.numbers)) < 2


def were_interleaved(one: Sample, other: Sample) -> bool:
    """Tell whether the sides were measured in turn, so that drift of the machine hit both alike."""
    if set(one.runs) & set(other.runs) or not (one.runs and other.runs):
        return True
    return max(one.runs) > min(other.runs) and max(other.runs) > min(one.runs)


def collect(frames: Frames, arm: str, called: str, metrics: Collection[str]) -> dict[Key, Sample]:
    """Return the samples of one arm of one run, under the name `called` for the arm.

    A metric counts only from the probe that is there to take it; a case whose replicates all
    failed has a sample without values, so that it is missed.
    """
    mine = frames.samples[frames.samples["arm"] == arm]
    mine = mine.assign(value=pd.to_numeric(mine["value"], errors="coerce").astype(float))
    comparable: dict[tuple[str, frozenset[str]], str] = {}
    runs = tuple(frames.manifest.pooled) or (frames.manifest.run_id,)
    found: dict[Key, Sample] = {}
    for (binary, source), rows in rows_by_case(mine).items():
        deliveries = frames.rows_of_case("deliveries", str(binary), str(source))
        digests = frozenset(delivered(deliveries, arm))
        for metric in metrics:
            probe = frames.metrics.probe(metric) or _taker(rows, metric)
            taken = [row for row in rows if row.probe == probe]
            if taken:
                key = Key(str(binary), str(source), called, metric)
                on = frozenset(row.rig for row in taken if isinstance(row.rig, str))
                if (metric, on) not in comparable:
                    manifest = on_rig(frames.manifest, on)
                    comparable[metric, on] = comparable_with(metric, manifest)
                sample = _sample(taken, frames.metrics[metric], digests, comparable[metric, on])
                found[key] = structs.replace(sample, runs=runs, on=on)
    return found


def collect_all(frames: Frames, metrics: Collection[str]) -> dict[Key, Sample]:
    """Return the samples of every arm of one run, each under its own name."""
    found: dict[Key, Sample] = {}
    for arm in sorted(set(frames.samples["arm"].unique()) - {""}):
        found |= collect(frames, str(arm), str(arm), metrics)
    return found


def _taker(rows: Sequence[Any], metric: str) -> str:
    """Return the probe that took a metric which no probe or several declare."""
    return min((str(row.probe) for row in rows if row.metric == metric), default="")


def _sample(rows: Sequence[Any], metric: Metric, outputs: frozenset[str], rig: str) -> Sample:
    given = [row for row in rows if row.metric == metric.name and row.status == "ok"]
    good = sorted(
        (row for row in given if isfinite(row.value)), key=lambda row: (row.replicate, row.order)
    )
    zeros = sum(row.value == 0 for row in good)
    return Sample(
        numbers=tuple(row.value for row in good),
        unit=" and ".join(sorted({str(row.unit) for row in good})),
        failed=len({row.replicate for row in rows if row.status != "ok"}),
        unusable=len(given) - len(good) + (0 if metric.zero_allowed else zeros),
        repeated=len(good) - len({row.replicate for row in good}),
        inputs=frozenset(str(row.binary_sha256) for row in rows),
        outputs=outputs,
        rig=rig,
        randomised=any(row.randomised is True for row in given),
        metric=metric,
    )


class Demands(Struct, frozen=True):
    """What a comparison insists on before it believes any number.

    `replicates` is the exact number of valid replicates of each arm; None accepts any but zero.
    A run measures cells of an exact metric that vary again, until there are `topped_up_to`: up to
    that many are as good. `any_rig` compares across machines, for reading only.
    """

    replicates: int | None = None
    topped_up_to: int = 0
    any_rig: bool = False

    def accepts(self, count: int) -> bool:
        """Tell whether so many valid replicates are neither too few nor more than were planned."""
        if self.replicates is None:
            return count > 0
        return self.replicates <= count <= max(self.replicates, self.topped_up_to)


def iter_faults(
    baseline: Sample | None,
    candidate: Sample | None,
    demands: Demands,
    names: tuple[str, str] = ("baseline", "candidate"),
    kind: str = "sides",
) -> Iterator[str]:
    """Yield every reason why these two samples cannot carry a verdict.

    `names` are what the two are called, `kind` what both are.
    """
    for side, sample in zip(names, (baseline, candidate), strict=True):
        if sample is None:
            yield f"{side}: not measured"
            continue
        for fault in iter_own_faults(sample, demands):
            yield f"{side}: {fault}"
    if baseline is None or candidate is None:
        return
    if baseline.unit != candidate.unit:
        yield f"units differ: {baseline.unit or 'none'} and {candidate.unit or 'none'}"
    grains = [format_exactly(side.metric.grain) for side in (baseline, candidate)]
    if len(set(grains)) > 1:
        yield f"the two sides were searched to {grains[0]} and to {grains[1]}"
    if baseline.inputs != candidate.inputs:
        yield f"the two {kind} measured different binaries"
    if len(baseline.outputs | candidate.outputs) > 1:
        yield f"the two {kind} delivered different scopes"
    if not demands.any_rig and (baseline.rig != candidate.rig or not baseline.rig):
        told = rig_differences(baseline.rig, candidate.rig)
        yield f"the two {kind} were measured on different or unknown rigs{told and ': '}{told}"


def iter_own_faults(sample: Sample, demands: Demands) -> Iterator[str]:
    """Yield every reason why one side alone cannot carry a verdict."""
    count = len(sample.numbers)
    if not count:
        yield "no valid replicate"
    elif not demands.accepts(count):
        yield f"{count} valid replicates of {demands.replicates}"
    if sample.failed:
        yield f"{counted(sample.failed, 'replicate')} failed"
    if sample.unusable:
        yield f"no measurement: {counted(sample.unusable, 'value')}"
    if sample.repeated:
        yield f"{sample.repeated} values of replicates that are there twice"
    if any(value < 0 for value in sample.numbers):
        yield "a negative value"
    if len(sample.inputs) > 1:
        yield "the binary changed during the run"
    if not sample.outputs:
        yield "nobody checked what was delivered"
