"""Collections are drawn on the clock they were noted on."""

from __future__ import annotations

from typing import Any

import pytest

from harness.plots.heap_over_time import draw
from harness.tests.stats.made import frames, sample


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
def test_marks_of_the_same_process_share_the_axis_and_others_say_whose_clock_it_is(
    generation: int, probe: str, shared: bool
) -> None:
    looks = [look(0.0), look(1.0, generation), look(2.0)]
    figure = draw(frames(timeline=looks, collections=[COLLECTION]))
    heap, collector = figure.axes[:2]
    assert (heap.get_xlim() == collector.get_xlim()) == shared
    assert collector.get_xlabel() == f"Time under probe {probe} (s)"
    said = " ".join(text.get_text() for text in figure.findobj() if hasattr(text, "get_text"))
    assert ("two clocks" in said) != shared


def test_the_peak_that_is_said_is_the_one_that_was_measured_not_the_highest_look() -> None:
    measured = [sample("a", "legacy", 3.0 * 2**20), sample("a", "legacy", 9.0 * 2**20, probe="gc")]
    figure = draw(frames(measured, timeline=[look(0.0), look(1.0)]))
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["legacy, peak 3.0 MiB"]
