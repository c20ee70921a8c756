"""The overhead of a probe is what it adds to the same work without it."""

from __future__ import annotations

import pytest
from msgspec import structs

from harness.records import Record
from harness.run.overhead import overheads
from harness.tests.run.test_plan import a_request, measured


def seen(probe: str, arm: str, **values: float) -> Record:
    job = structs.replace(measured(a_request())[0], probe=probe, source="dwarf", arm=arm)
    return Record(job=job, status="ok", values=values)


def test_factors_are_taken_over_the_cells_that_have_both() -> None:
    records = [
        seen("bare", "legacy", cpu=1.0, rss_peak=100.0),
        seen("bare", "legacy", cpu=3.0, rss_peak=300.0),
        seen("memray", "legacy", cpu_under_probe=10.0, rss_under_probe=500.0),
        seen("memray", "streaming", cpu_under_probe=99.0, rss_under_probe=1.0),
    ]
    found = overheads(records)["memray"]
    assert found.cpu_factor == pytest.approx(5.0)
    assert found.rss_bytes == pytest.approx(300.0)
    assert found.cells == 1


def test_a_probe_without_anything_to_compare_with_has_no_overhead() -> None:
    assert overheads([seen("memray", "legacy", cpu_under_probe=1.0, rss_under_probe=1.0)]) == {}
    assert overheads([]) == {}
