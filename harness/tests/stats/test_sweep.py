"""Points of a sweep, and the largest threshold that fits a budget."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from msgspec import structs

from harness.config import PipelineOptions
from harness.limits.edge import KILLED, SURVIVED, THRASHED
from harness.records import Arm, Options
from harness.stats.sweep import SweepPoint, fitting, largest_within, sweep_points
from harness.tests.stats.made import batch, failure, frames, sample

KIB = 1024


def at(
    threshold_kib: int, number: int, overshoot_bytes: int, **changes: object
) -> dict[str, object]:
    arm = f"streaming @ {threshold_kib} KiB"
    fields = {"arm": arm, "threshold_bytes": threshold_kib * KIB, **changes}
    return batch("a", number, overshoot_bytes, **fields)


def test_a_point_is_the_worst_replicate_of_its_threshold() -> None:
    arms = [f"streaming @ {size} KiB" for size in (64, 128)]
    found = sweep_points(
        frames(
            samples=[
                sample("a", arms[1], 300),
                sample("a", arms[0], 100),
                sample("a", arms[0], 200, replicate=2),
                sample("a", arms[0], 1.5, metric="wall", unit="second", probe="bare"),
            ],
            batches=[
                at(128, 1, 7, final=True),
                at(64, 1, 3),
                at(64, 2, 9),
                at(64, 3, -5, final=True),
            ],
            aside=[sample("a", f"{arms[0]}-disk", 70), sample("a", f"{arms[0]}-disk", 80)],
        )
    )
    told = [(one.threshold_bytes, one.peak_bytes, one.batches, one.wall_s) for one in found]
    assert told == [(64 * KIB, 200, 3, 1.5), (128 * KIB, 300, 1, None)]
    assert [one.overshoot_bytes for one in found] == [9, None]
    assert [one.disk_peak_bytes for one in found] == [80, None]
    assert msgspec.json.decode(msgspec.json.encode(found), type=list[SweepPoint]) == found


def test_a_pipeline_that_heeds_no_threshold_has_a_point_at_each() -> None:
    arms = {f"counted @ {size} KiB": size * KIB for size in (64, 128)}
    made = frames(
        samples=[sample("a", arm, 100) for arm in arms],
        batches=[batch("a", 1, 0, arm=arm, threshold_bytes=0, final=True) for arm in arms],
    )
    options = [
        Arm(name=arm, pipeline="a:b", options=PipelineOptions(threshold_bytes=threshold))
        for arm, threshold in arms.items()
    ]
    asked = structs.replace(made.manifest, options=Options(arms=options))
    found = sweep_points(replace(made, manifest=asked))
    assert [one.threshold_bytes for one in found] == list(arms.values())


def test_a_threshold_that_was_not_measured_is_no_point() -> None:
    arm = "streaming @ 64 KiB"
    assert sweep_points(frames(samples=[failure("a", arm)], batches=[at(64, 1, 0)])) == []


def a_point(threshold_bytes: int, peak_bytes: int) -> SweepPoint:
    return SweepPoint(
        binary="a",
        source="replay",
        arm="streaming",
        threshold_bytes=threshold_bytes,
        peak_bytes=peak_bytes,
        batches=1,
        overshoot_bytes=None,
        wall_s=None,
    )


@pytest.mark.parametrize(
    ("budget_bytes", "threshold_bytes"), [(5, None), (10, 1), (29, 2), (30, 4), (1000, 4)]
)
def test_the_largest_threshold_within_a_budget(
    budget_bytes: int, threshold_bytes: int | None
) -> None:
    points = [a_point(1, 10), a_point(2, 20), a_point(4, 30)]
    found = largest_within(points, budget_bytes)
    assert (found.threshold_bytes if found else None) == threshold_bytes


@pytest.mark.parametrize(
    ("outcomes", "threshold_bytes"),
    [
        ((SURVIVED, SURVIVED, KILLED), 2),
        ((SURVIVED, THRASHED, KILLED), 1),
        ((KILLED, None, None), None),
    ],
)
def test_without_a_budget_of_heap_the_largest_threshold_that_survived_fits(
    outcomes: tuple[str | None, ...], threshold_bytes: int | None
) -> None:
    points = [
        structs.replace(a_point(number, 10 * number), outcome=one)
        for number, one in enumerate(outcomes, start=1)
    ]
    (best,) = fitting(points, None).values()
    assert (best and best.threshold_bytes) == threshold_bytes
