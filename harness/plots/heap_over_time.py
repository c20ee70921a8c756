"""Live heap while one binary is uploaded, by both pipelines, with what happened on the way."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness.plots import style
from harness.plots.scales import byte_scale
from harness.stats.copies import first_replicates
from harness.stats.frames import Frames, succeeded
from harness.units import format_bytes

QUESTION = "When does each pipeline hold how much heap?"
COLLECTOR = "gc"
"""The probe that times collections where the one that measured the heap did not note any."""


@style.styled()
def draw(frames: Frames) -> Figure:
    """Draw the live heap of both arms over the binary that shows most, and below it their GC."""
    if frames.timeline.empty:
        return style.no_data(QUESTION, "no probe recorded live heap over time in this run")
    story = _choose(frames)
    arms = sorted(set(story.timeline["arm"]), reverse=True)
    panels = 1 if story.collections.empty else 2
    heights = [3.2, 0.6 + 0.4 * len(arms)][:panels]
    figure, grid = style.new_panels(QUESTION, 1.2 + sum(heights), heights)
    _draw_heap(grid[0], story)
    if panels > 1:
        _draw_collections(grid[1], story, arms)
    style.add_key(figure, _iter_marks(story), _iter_notes(frames, story))
    return figure


def _choose(frames: Frames) -> Frames:
    """Return one replicate of one case by one probe.

    The case is one whose collections were traced where there is any, with the most batches; among
    those, one of production's source, and the one with the largest heap.
    """
    heaps = frames.timeline.groupby(["binary", "source"])["heap_bytes"].max()
    batches = frames.batches.groupby(["binary", "source"])["batch_num"].max()
    noted = frames.timeline[frames.timeline["generation"].fillna(-1) >= 0]
    traced = {
        *frames.collections.groupby(["binary", "source"]).groups,
        *noted.groupby(["binary", "source"]).groups,
    }
    case = min(
        heaps.index,
        key=lambda case: (
            case not in traced,
            -batches.get(case, 0),
            case[1] != "dwarf",
            -heaps[case],
            case,
        ),
    )
    flushes = frames.of_case("batches", *case)
    timeline = frames.of_case("timeline", *case)
    probe = _best_probe(timeline, flushes)
    timeline = timeline[timeline["probe"] == probe]
    replicate = timeline["replicate"].min()
    timeline = _of_replicate(timeline, replicate).sort_values("at_s", kind="stable")
    noted = timeline[timeline["generation"].fillna(-1) >= 0].rename(columns={"at_s": "start_s"})
    return Frames.build(
        frames.manifest,
        samples=_of_replicate(succeeded(frames.of_case("samples", *case)), replicate),
        timeline=timeline,
        batches=_of_replicate(flushes[flushes["probe"] == probe], replicate),
        collections=first_replicates(frames.of_case("collections", *case))
        if noted.empty
        else noted,
    )


def _best_probe(timeline: pd.DataFrame, flushes: pd.DataFrame) -> str:
    """Return the probe that timed the flushes too, or else the one that looked most often."""
    looks = timeline.groupby("probe").size()
    timed = set(flushes["probe"])
    return str(min(looks.index, key=lambda probe: (probe not in timed, -looks[probe], probe)))


def _of_replicate(table: pd.DataFrame, replicate: int) -> pd.DataFrame:
    return table[table["replicate"] == replicate]


def _draw_heap(axes: Axes, story: Frames) -> None:
    timeline = story.timeline
    looks = style.arm_looks(timeline["arm"])
    scale = byte_scale([float(size) for size in timeline["heap_bytes"]], may_be_log=False)
    for arm, points in timeline.groupby("arm"):
        colour, marker = looks[str(arm)]
        end_s = _end_s(story, str(arm))
        at = 100 * points["at_s"].to_numpy(float) / end_s
        heap = points["heap_bytes"].to_numpy(float) / scale.divisor
        axes.plot(at, heap, color=colour, linewidth=1.5)
        axes.plot(at[heap.argmax()], heap.max(), marker, color=colour, markersize=8)
        flushes = story.batches.loc[story.batches["arm"] == arm, "at_s"]
        flushed = 100 * flushes.to_numpy(float) / end_s
        height = np.interp(flushed, at, heap)
        axes.plot(flushed, height, "v", color=colour, markeredgecolor=style.BLACK, markersize=9)
    binary, source, probe = timeline[["binary", "source", "probe"]].iloc[0]
    axes.set_title(style.case_title(binary, source))
    axes.set_ylim(min(0, scale.of(scale.low)), max(scale.of(scale.high), 0) * 1.08 or 1)
    axes.set_xlim(0, 101)
    axes.set_ylabel(f"Live heap ({scale.unit})")
    axes.set_xlabel(f"Share of the run under probe {style.drawn(probe)} (%)")


def _end_s(story: Frames, arm: str) -> float:
    """Return the last moment of an arm's run that anything is known of.

    Seconds would not be those of the work alone: the probe makes it several times as long.
    """
    tables = (story.timeline, story.batches)
    ends = [float(table.loc[table["arm"] == arm, "at_s"].max()) for table in tables if len(table)]
    return max([1e-6, *(end for end in ends if end > 0)])


def _probe(story: Frames) -> str:
    return str(story.timeline["probe"].iloc[0])


def _clock(story: Frames) -> str:
    """Return the probe on whose clock the collections are: rows of another table name none."""
    probes = story.collections.get("probe")
    return COLLECTOR if probes is None else str(probes.iloc[0])


def _draw_collections(axes: Axes, story: Frames, arms: list[str]) -> None:
    """Draw one lane per arm and one tick per collection, longer for older generations."""
    looks, collections, clock = style.arm_looks(arms), story.collections, _clock(story)
    for lane, arm in enumerate(arms):
        own = collections[collections["arm"] == arm]
        end_s = _end_s(story, arm) if clock == _probe(story) else float(own["start_s"].max())
        for generation, height in ((0, 0.15), (1, 0.25), (2, 0.4)):
            at = 100 * own.loc[own["generation"] == generation, "start_s"] / max(end_s, 1e-6)
            ends, width = (lane - height, lane + height), 0.8 + 0.6 * generation
            axes.vlines(at, *ends, color=looks[arm][0], linewidth=width)
    style.name_rows(axes, list(style.drawn_labels(arms, style.ARM_WIDTH).values()))
    axes.set_title("Garbage collections (longer: older generation)")
    axes.set_xlim(0, 101)
    axes.set_xlabel(f"Share of the run under probe {style.drawn(clock)} (%)")


def _iter_marks(story: Frames) -> Iterator[Line2D]:
    looks = style.arm_looks(story.timeline["arm"])
    peaks = _peaks(story)
    highest = story.timeline.groupby("arm")["heap_bytes"].max()
    labels = style.drawn_labels(map(str, highest.index), style.ARM_WIDTH)
    for arm, seen_bytes in highest.items():
        label = f"{labels[str(arm)]}, peak {format_bytes(peaks.get(arm, seen_bytes))}"
        yield style.mark(*looks[str(arm)], label, "-")
    if len(story.batches):
        yield style.mark(style.BLACK, "v", "flush")


def _peaks(story: Frames) -> dict[str, float]:
    """Return the peak of each arm as the probe measured it, which falls between two looks."""
    samples, probe = story.samples, _probe(story)
    metrics = [name for name in story.metrics.peaks if story.metrics.probe(name) == probe]
    own = samples[(samples["probe"] == probe) & samples["metric"].isin(metrics)]
    return dict(zip(own["arm"], own["value"], strict=True))


def _iter_notes(frames: Frames, story: Frames) -> Iterator[str]:
    probe = _probe(story)
    for arm in sorted(set(frames.timeline["arm"]) - set(story.timeline["arm"])):
        yield style.drawn(f"{arm}: nothing recorded for this binary")
    if len(story.collections) and probe != _clock(story):
        yield "two probes, two processes: the last collection ends the lower panel"
    if probe == COLLECTOR:
        yield "heap seen only at collections: what rises and falls between two is not drawn"
    if story.batches.empty:
        yield "when batches were flushed is not known on this clock"
