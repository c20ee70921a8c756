"""The numbers of one series of one case, one per replicate, or why there are none to be judged.

A series is a metric, or one of three that are worked out: `reduction_pct`, how much less the arm
holds than `against`; `overshoot`, the furthest that a batch went past the threshold; `copies`, how
many whole copies of the payload were alive at the peak.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
from msgspec import Struct, structs

from harness.gates.evidence import CANDIDATE, Evidence
from harness.gates.suite import PEAK, Experiment
from harness.stats.batches import has_reached
from harness.stats.check import Case
from harness.stats.copies import first_replicates, held_copies
from harness.stats.metrics import CAPTURED, COPIES, DERIVED, OVERSHOOT, REDUCTION
from harness.stats.samples import Key, iter_faults, iter_own_faults
from harness.text import counted
from harness.units import format_bytes

_MOST_STAGES = 3


class Series(Struct, frozen=True):
    """Values of the candidate, one per replicate.

    `faults` are why they cannot be judged. `untested` is why there are none although nothing is
    missing: the case never came into the situation that the bound is about. `context` is what
    bears on a failure.
    """

    values: tuple[float, ...] = ()
    unit: str = ""
    faults: tuple[str, ...] = ()
    untested: str = ""
    context: str = ""


def series_of(evidence: Evidence, experiment: Experiment, case: Case, name: str) -> Series:
    """Return the series `name` of a case."""
    work_out = {REDUCTION: _reduction, OVERSHOOT: _overshoot, COPIES: _copies}.get(name)
    if work_out is None:
        return _metric(evidence, experiment, case, name)
    return structs.replace(work_out(evidence, experiment, case), unit=DERIVED[name].unit)


def _metric(evidence: Evidence, experiment: Experiment, case: Case, metric: str) -> Series:
    sample = evidence.sides[CANDIDATE].get(Key(case.binary, case.source, case.arm, metric))
    if sample is None:
        return Series(faults=(f"{case.arm}: {metric} was not measured",))
    found = iter_own_faults(sample, evidence.demands(experiment, metric))
    faults = tuple(f"{case.arm}: {fault}" for fault in found)
    return Series(sample.numbers, sample.unit, faults)


def _reduction(evidence: Evidence, experiment: Experiment, case: Case) -> Series:
    """Hold every replicate against the smallest one of the arm to compare with."""
    metric = next(iter(experiment.optimization_goal), PEAK)
    samples = evidence.sides[CANDIDATE]
    arms = experiment.against, case.arm
    found = {arm: samples.get(Key(case.binary, case.source, arm, metric)) for arm in arms}
    old, new = found.values()
    if old is None or new is None:
        missing = [f"{arm}: {metric} was not measured" for arm in arms if found[arm] is None]
        return Series(faults=tuple(missing))
    demands = structs.replace(evidence.demands(experiment, metric), any_rig=True)
    faults = tuple(iter_faults(old, new, demands, arms, "arms"))
    if faults:
        return Series(faults=faults)
    least = min(old.numbers)
    if least <= 0:
        return Series(faults=(f"{experiment.against}: held nothing, which is no measurement",))
    context = f"{_bytes(max(new.numbers))} against {_bytes(least)}{_stages(evidence, case)}"
    values = tuple(100 * (least - number) / least for number in new.numbers)
    return Series(values, context=f"{metric}: {context}")


def _stages(evidence: Evidence, case: Case) -> str:
    """Return what the candidate holds most of at its peak: why no more can be saved."""
    rows = _of_arm(evidence, "copies", case)
    held = first_replicates(rows).groupby("stage")["bytes"].sum() if len(rows) else rows["bytes"]
    largest = held.astype(float).sort_values(ascending=False, kind="stable").head(_MOST_STAGES)
    shown = ", ".join(f"{stage} {_bytes(size)}" for stage, size in largest.items() if size > 0)
    return f"; at its peak {case.arm} holds {shown}" if shown else ""


def _overshoot(evidence: Evidence, experiment: Experiment, case: Case) -> Series:
    batches = _rows_of_arm(evidence, "batches", case)
    faults = tuple(_iter_batch_faults(evidence, experiment, case, batches))
    if faults:
        return Series(faults=faults)
    reached = [row for row in batches if has_reached(row.final, row.threshold_bytes)]
    payload = f"largest payload {_bytes(max(row.payload_bytes for row in batches))}"
    threshold = f"threshold {_bytes(max(row.threshold_bytes for row in batches))}"
    if not reached:
        untested = f"no batch reached the threshold: {payload}, {threshold}"
        return Series(untested=untested)
    ordered = sorted(reached, key=lambda row: (row.replicate, row.overshoot_bytes))
    largest = {row.replicate: float(row.overshoot_bytes) for row in ordered}
    worst = max(reached, key=lambda row: row.overshoot_bytes)
    context = (
        f"batch {worst.batch_num}: {_bytes(worst.payload_bytes)} for a {threshold}, "
        f"{worst.functions} functions in {worst.scopes} scopes"
    )
    return Series(tuple(largest.values()), context=context)


def _iter_batch_faults(
    evidence: Evidence, experiment: Experiment, case: Case, batches: list[Any]
) -> Iterator[str]:
    delivered = _rows_of_arm(evidence, "deliveries", case)
    promised = {row.batches for row in delivered if row.status == "ok"}
    if not promised:
        yield f"{case.arm}: nobody checked what was delivered"
    flushed: dict[int, set[int]] = {}
    for row in batches:
        flushed.setdefault(row.replicate, set()).add(row.batch_num)
    counts = {len(numbers) for numbers in flushed.values()}
    if len(flushed) < experiment.replicates:
        wanted = counted(experiment.replicates, "replicate")
        yield f"{case.arm}: batches of {len(flushed)} of {wanted}"
    if promised and not counts <= promised:
        yield f"{case.arm}: batches are missing: {sorted(counts)} of {sorted(promised)}"
    sizes = [(row.payload_bytes, row.threshold_bytes, row.overshoot_bytes) for row in batches]
    if any(pd.isna(size) for each in sizes for size in each):
        yield f"{case.arm}: a batch without a size"
    elif any(payload - threshold != overshoot for payload, threshold, overshoot in sizes):
        yield f"{case.arm}: overshoot is not payload minus threshold"


def _copies(evidence: Evidence, experiment: Experiment, case: Case) -> Series:
    peak = _metric(evidence, experiment, case, CAPTURED)
    if peak.faults:
        return peak
    rows = _of_arm(evidence, "copies", case)
    held = dict(iter(rows.groupby("replicate")))
    if len(held) != len(peak.values):
        lacking = f"what was alive at {len(held)} peaks of {len(peak.values)} is known"
        return Series(faults=(f"{case.arm}: {lacking}",))
    sums = sorted(float(part["bytes"].sum()) for part in held.values())
    if sums != sorted(peak.values):
        return Series(faults=(f"{case.arm}: what was alive at the peak does not add up to it",))
    found = [one for part in held.values() for one in held_copies(part)]
    worst = max(found, key=lambda one: one.total)
    context = ", ".join(f"{copy.copies:.2f} at {copy.location}" for copy in worst.copies)
    return Series(tuple(one.total for one in found), context=context)


def _rows_of_arm(evidence: Evidence, table: str, case: Case) -> list[Any]:
    rows = evidence.candidate.rows_of_case(table, case.binary, case.source)
    return [row for row in rows if row.arm == case.arm]


def _of_arm(evidence: Evidence, table: str, case: Case) -> pd.DataFrame:
    rows = evidence.candidate.of_case(table, case.binary, case.source)
    return rows[rows["arm"] == case.arm]


def _bytes(size: Any) -> str:
    return format_bytes(float(size))
