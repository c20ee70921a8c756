"""Collections are drawn on the clock they were noted on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.plots.heap_over_time import draw
from harness.tests.stats.made import batch, frames, sample


def look(at_s: float, generation: int = -1, probe: str = "memray") -> dict[str, Any]:
    return {
        "run_id": "r1",
        "binary": "a",
        "arm": "legacy",
        "source": "dwarf",
        "probe": probe,
        "replicate": 1,
        "at_s": at_s,
        "heap_bytes": 1000,
        "generation": generation,
    }


COLLECTION = {
    **{key: look(0)[key] for key in ("run_id", "binary", "arm", "source", "replicate")},
    "generation": 0,
    "start_s": 7.0,
    "duration_s": 0.1,
}


@pytest.mark.parametrize(
    ("generation", "probe", "shared"), [(2, "memray", True), (-1, "gc", False)]
)
def test_both_panels_are_in_shares_of_a_run_and_say_of_which(
    generation: int, probe: str, shared: bool
) -> None:
    looks = [look(0.0), look(1.0, generation), look(2.0)]
    figure = draw(frames(timeline=looks, collections=[COLLECTION]))
    heap, collector = figure.axes[:2]
    assert heap.get_xlim() == collector.get_xlim()
    assert heap.get_xlabel() == "Share of the run under probe memray (%)"
    assert collector.get_xlabel() == f"Share of the run under probe {probe} (%)"
    said = " ".join(text.get_text() for text in figure.findobj() if hasattr(text, "get_text"))
    assert ("two processes" in said) != shared


def test_each_arm_goes_from_nothing_to_the_whole_of_its_own_run() -> None:
    slow = [{**look(at_s), "arm": "legacy"} for at_s in (0.0, 4.0, 156.0)]
    fast = [{**look(at_s), "arm": "streaming"} for at_s in (0.0, 20.0)]
    flush = batch("a", 1, 0, probe="memray", at_s=25.0)
    heap = draw(frames(timeline=[*slow, *fast], batches=[flush])).axes[0]
    shares = [np.asarray(line.get_xdata(), float) for line in heap.get_lines()]
    assert {xs.max() for xs in shares if len(xs) > 1} == {100.0, 80.0}


def test_the_peak_that_is_said_is_the_one_that_was_measured_not_the_highest_look() -> None:
    measured = [sample("a", "legacy", 3.0 * 2**20), sample("a", "legacy", 9.0 * 2**20, probe="gc")]
    figure = draw(frames(measured, timeline=[look(0.0), look(1.0)]))
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["legacy, peak 3.0 MiB"]
