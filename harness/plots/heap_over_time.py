"""Live heap while one binary is uploaded, by both pipelines, with what happened on the way."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness.plots.scales import byte_scale
from harness.plots.style import (
    BLACK,
    add_key,
    arm_looks,
    drawn,
    drawn_labels,
    new_figure,
    no_data,
    styled,
)
from harness.stats.frames import Frames, of_case
from harness.units import format_bytes

QUESTION = "When does each pipeline hold how much heap?"
_NAME_WIDTH = 40


def draw(frames: Frames) -> Figure:
    """Draw the live heap of both arms over the binary that shows most, flushes and GC below it."""
    with styled():
        if frames.timeline.empty:
            return no_data(QUESTION, "no probe recorded live heap over time in this run")
        story = _choose(frames)
        arms = sorted(set(story.timeline["arm"]), reverse=True)
        figure = new_figure(QUESTION, 5.6)
        axes, rug = figure.subplots(2, sharex=True, height_ratios=[5, 0.6 * len(arms)])
        binary, source = story.timeline[["binary", "source"]].iloc[0]
        axes.set_title(f"{drawn_labels([binary], _NAME_WIDTH)[binary]} (source: {drawn(source)})")
        _draw_heap(axes, story)
        _draw_events(rug, story, arms)
        add_key(figure, list(_iter_marks(story.timeline)), _iter_notes(frames, story))
        return figure


def _choose(frames: Frames) -> Frames:
    """Return one replicate of one case by one probe: most batches first, then the largest heap."""
    timeline = frames.timeline
    heaps = timeline.groupby(["binary", "source"])["heap_bytes"].max()
    batches = frames.batches.groupby(["binary", "source"])["batch_num"].max()
    case = min(heaps.index, key=lambda case: (-batches.get(case, 0), -heaps[case], case))
    timeline = of_case(timeline, case)
    timeline = timeline[timeline["probe"] == min(timeline["probe"])]
    replicate = min(timeline["replicate"])
    return Frames.build(
        frames.manifest,
        timeline=timeline[timeline["replicate"] == replicate].sort_values("at_s"),
        batches=_of_replicate(of_case(frames.batches, case), replicate),
        collections=_of_replicate(of_case(frames.collections, case), replicate),
    )


def _of_replicate(table: pd.DataFrame, replicate: int) -> pd.DataFrame:
    return table[table["replicate"] == replicate]


def _draw_heap(axes: Axes, story: Frames) -> None:
    timeline = story.timeline
    looks = arm_looks(timeline["arm"])
    scale = byte_scale([float(size) for size in timeline["heap_bytes"]], may_be_log=False)
    for arm, points in timeline.groupby("arm"):
        colour, marker = looks[str(arm)]
        heap = points["heap_bytes"] / scale.divisor
        top = heap.idxmax()
        axes.plot(points["at_s"], heap, color=colour, linewidth=1.5)
        axes.plot(points["at_s"][top], heap[top], marker, color=colour, markersize=8)
    axes.set_ylim(min(0, scale.of(scale.low)), max(scale.of(scale.high), 0) * 1.08 or 1)
    axes.set_ylabel(f"Live heap ({scale.unit})")
    axes.set_xlim(0, max(float(timeline["at_s"].max()), 1e-6) * 1.03)


def _draw_events(axes: Axes, story: Frames, arms: list[str]) -> None:
    """Draw one lane an arm: a tick a collection, taller for older generations, a flag a flush."""
    looks = arm_looks(arms)
    flushes = _flushes(story)
    for lane, arm in enumerate(arms):
        colour = looks[arm][0]
        for generation, height in ((0, 0.15), (1, 0.25), (2, 0.4)):
            runs = story.collections
            runs = runs[(runs["arm"] == arm) & (runs["generation"] == generation)]
            ends = (lane - height, lane + height)
            axes.vlines(runs["start_s"], *ends, color=colour, linewidth=0.8 + 0.6 * generation)
        at = flushes.loc[flushes["arm"] == arm, "at_s"]
        axes.plot(at, [lane] * len(at), "v", color=BLACK, markersize=9)
    axes.set_yticks(range(len(arms)), [drawn(arm) for arm in arms])
    axes.set_ylim(-0.6, len(arms) - 0.4)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"Time since the probe {drawn(story.timeline['probe'].iloc[0])} started (s)")


def _flushes(story: Frames) -> pd.DataFrame:
    """Return the flushes that are on the clock of the timeline's probe."""
    return story.batches[story.batches["probe"] == story.timeline["probe"].iloc[0]]


def _iter_marks(timeline: pd.DataFrame) -> Iterator[Line2D]:
    looks = arm_looks(timeline["arm"])
    for arm, heap_bytes in timeline.groupby("arm")["heap_bytes"].max().items():
        colour, marker = looks[str(arm)]
        label = f"{drawn(str(arm))}, at most {format_bytes(heap_bytes)}"
        yield Line2D([], [], color=colour, marker=marker, label=label)
    yield Line2D([], [], color=BLACK, marker="v", linestyle="", label="flush")


def _iter_notes(frames: Frames, story: Frames) -> Iterator[str]:
    yield "ticks: garbage collections, longer for older generations"
    for arm in sorted(set(frames.timeline["arm"]) - set(story.timeline["arm"])):
        yield drawn(f"{arm}: nothing recorded for this binary")
    if story.timeline["probe"].iloc[0] == "gc":
        yield "heap seen only at collections: what rises and falls between two is not drawn"
    elsewhere = set(story.batches["probe"]) - {story.timeline["probe"].iloc[0]}
    if _flushes(story).empty and elsewhere:
        yield drawn(
            f"flushes not drawn: timed by probe {min(elsewhere)}, whose clock runs otherwise"
        )
