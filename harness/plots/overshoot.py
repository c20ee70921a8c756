"""How far payloads overshoot the threshold: all batches at once, and binary by binary."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness.plots.style import (
    BLACK,
    GREY,
    VERMILLION,
    add_key,
    arm_looks,
    arm_marks,
    drawn,
    drawn_labels,
    new_panels,
    no_data,
    styled,
)
from harness.stats.batches import reached_threshold
from harness.stats.claim import Claim
from harness.stats.frames import Frames
from harness.units import format_bytes

QUESTION = "How far do batches overshoot the threshold?"
_KIB = 1024
_MOST_BINARIES = 25
_NAME_WIDTH = 20


@styled()
def draw(frames: Frames) -> Figure:
    """Draw the distribution of overshoot, and below it each batch against its threshold."""
    batches = _of_one_source(frames.batches)
    if batches.empty:
        return no_data(QUESTION, "no batch was flushed by a pipeline with a threshold in bytes")
    shown = _largest(batches)
    heights = [5.0, shown["binary"].nunique() + 1.0]
    figure, (above, below) = new_panels(QUESTION, 2.0 + 0.33 * sum(heights), heights)
    _draw_distribution(above, reached_threshold(batches))
    _draw_batches(below, shown)
    add_key(figure, _iter_marks(batches), _iter_notes(batches, shown))
    return figure


def _of_one_source(batches: pd.DataFrame) -> pd.DataFrame:
    """Return each distinct batch once, of the source that reached the threshold most often.

    Replicates and probes of one case flush the same batches; counted again they prove nothing.
    """
    own = ["binary", "arm", "source", "batch_num", "payload_bytes", "threshold_bytes", "final"]
    distinct = batches[batches["threshold_bytes"] > 0].drop_duplicates(own)
    reached = reached_threshold(distinct)["source"]
    sources = sorted(set(distinct["source"]), key=lambda source: (-sum(reached == source), source))
    return distinct[distinct["source"] == sources[0]] if sources else distinct


def _largest(batches: pd.DataFrame) -> pd.DataFrame:
    """Return the batches of as many binaries as one can read, those that sent most."""
    sent = batches.groupby("binary")["payload_bytes"].sum()
    chosen = sorted(sent.index, key=lambda name: (-sent[name], name))[:_MOST_BINARIES]
    return batches[batches["binary"].isin(chosen)]


def _draw_distribution(axes: Axes, reached: pd.DataFrame) -> None:
    bound = Claim().overshoot_bytes / _KIB
    axes.set_title(f"Batches that reached the threshold: {len(reached)}")
    axes.axvline(bound, color=VERMILLION, linestyle="--", linewidth=1.5)
    sizes = reached["overshoot_bytes"].astype(float) / _KIB
    end = max([bound, *sizes]) * 1.2
    side = "left" if bound < end / 2 else "right"
    axes.text(bound, 0.05, f" bound {bound:g} KiB ", color=VERMILLION, ha=side)
    looks = arm_looks(reached["arm"])
    for arm, group in sizes.groupby(reached["arm"]):
        axes.ecdf(group, color=looks[str(arm)][0])
        axes.plot([group.max(), end], [1, 1], color=looks[str(arm)][0])
    if reached.empty:
        axes.text(0.4, 0.5, "none did", color=GREY, ha="center", transform=axes.transAxes)
    axes.set_xlim(min([0.0, *sizes]) * 1.1, end)
    axes.set_ylim(0, 1.05)
    axes.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    axes.set_ylabel("Share of batches")
    axes.set_xlabel("Payload minus threshold (KiB)")


def _draw_batches(axes: Axes, batches: pd.DataFrame) -> None:
    looks = arm_looks(batches["arm"])
    largest = batches.groupby("binary")["payload_bytes"].sum()
    names = sorted(largest.index, key=lambda name: (largest[name], name))
    labels = drawn_labels(names, _NAME_WIDTH)
    for (arm, final), some in batches.groupby(["arm", batches["final"].astype(bool)]):
        colour, marker = looks[str(arm)]
        axes.plot(
            100 * some["payload_bytes"] / some["threshold_bytes"],
            [names.index(name) for name in some["binary"]],
            marker,
            color=colour,
            fillstyle="none" if final else "full",
            alpha=0.8,
            clip_on=False,
        )
    axes.set_title("Each batch against its threshold")
    axes.axvline(100, color=BLACK, linewidth=1.5, zorder=1)
    thresholds = sorted(set(batches["threshold_bytes"]))
    if len(thresholds) == 1 and thresholds[0] > Claim().overshoot_bytes:  # else it is far outside
        bound = 100 * (1 + Claim().overshoot_bytes / thresholds[0])
        axes.axvline(bound, color=VERMILLION, linestyle="--", linewidth=1.5, zorder=1)
    axes.set_yticks(range(len(names)), [labels[name] for name in names])
    axes.set_ylim(-0.6, len(names) - 0.4)
    end = max(112, axes.get_xlim()[1])
    axes.set_xlim(-end / 50, end)  # so that the smallest batch does not cover its name
    axes.tick_params(axis="y", length=0)
    said = format_bytes(thresholds[0]) if len(thresholds) == 1 else f"{len(thresholds)} thresholds"
    axes.set_xlabel(f"Payload (% of the threshold, {said})")


def _iter_marks(batches: pd.DataFrame) -> Iterator[Line2D]:
    for full in arm_marks(batches["arm"].sort_values()):
        hollow = copy(full)
        full.set_label(f"{full.get_label()}: reached it")
        hollow.set(label="final batch", fillstyle="none")
        yield from (full, hollow)


def _iter_notes(batches: pd.DataFrame, shown: pd.DataFrame) -> Iterator[str]:
    binaries = set(batches["binary"])
    never = len(binaries - set(reached_threshold(batches)["binary"]))
    yield drawn(f"source: {batches['source'].iloc[0]}; each distinct batch once")
    if never:
        yield f"{never} of {len(binaries)} binaries never reached the threshold"
    unseen = len(binaries) - shown["binary"].nunique()
    if unseen:
        yield f"the {unseen} binaries that sent least are in the distribution only"
