"""The overhead of a probe is what it adds to the same work without it."""

from __future__ import annotations

import pytest

from harness.run.overhead import overheads
from harness.run.plan import Observation


def seen(probe: str, arm: str, **values: float) -> list[Observation]:
    return [
        Observation(probe=probe, source="dwarf", arm=arm, metric=metric, value=value)
        for metric, value in values.items()
    ]


def test_factors_are_taken_over_the_cells_that_have_both() -> None:
    observations = {
        "a": [
            *seen("bare", "legacy", cpu=1.0, rss_peak=100.0),
            *seen("bare", "legacy", cpu=3.0, rss_peak=300.0),
            *seen("memray", "legacy", cpu_under_probe=10.0, rss_under_probe=500.0),
            *seen("memray", "streaming", cpu_under_probe=99.0, rss_under_probe=1.0),
        ]
    }
    found = overheads(observations)["memray"]
    assert found.cpu_factor == pytest.approx(5.0)
    assert found.rss_bytes == pytest.approx(300.0)
    assert found.cells == 1


def test_a_probe_without_anything_to_compare_with_has_no_overhead() -> None:
    assert (
        overheads({"a": seen("memray", "legacy", cpu_under_probe=1.0, rss_under_probe=1.0)}) == {}
    )
    assert overheads({}) == {}
