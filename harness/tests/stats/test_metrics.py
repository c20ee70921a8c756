"""What is known of the metrics of a run, and in which order they are compared."""

from __future__ import annotations

from itertools import groupby

from harness.records import Manifest
from harness.stats.metrics import Metrics


def test_definitions_of_peak_heap_are_compared_first_and_then_unit_by_unit() -> None:
    known = Metrics(Manifest())
    peaks = [name for name in known.peaks if known[name].compared]
    assert len(peaks) > 1
    assert list(known.compared[: len(peaks)]) == peaks
    units = [unit for unit, _ in groupby(known[name].unit for name in known.compared[len(peaks) :])]
    assert len(units) == len(set(units)) > 1
