"""How far payloads overshoot the threshold: each batch that reached it, and how many did what."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.plots import style
from harness.stats.batches import reached_threshold
from harness.stats.claim import CLAIM
from harness.stats.frames import Frames
from harness.units import format_bytes

QUESTION = "How far do batches overshoot the threshold?"
_KIB = 1024
_MOST_ROWS = 25
_ROW = ["binary", "arm"]
_NAME_WIDTH = 20
_FEWEST = 20
"""A distribution of fewer batches than this is not drawn: each of them is seen anyway."""


@style.styled()
def draw(frames: Frames) -> Figure:
    """Draw each batch that reached its threshold; of many batches, their distribution above."""
    batches = _of_one_source(frames.batches)
    reached = reached_threshold(batches)
    if batches.empty:
        return style.no_data(
            QUESTION, "no batch was flushed by a pipeline with a threshold in bytes"
        )
    if reached.empty:
        share = 100 * float((batches["payload_bytes"] / batches["threshold_bytes"]).max())
        return style.no_data(
            QUESTION, f"no batch reached its threshold, the largest {share:.0f} % of it"
        )
    shown = _furthest(reached)
    heights = [len(shown[_ROW].drop_duplicates()) + 1.0]
    many = reached.groupby("arm").filter(lambda some: len(some) >= _FEWEST)
    if len(many):
        heights.insert(0, 5.0)
    figure, panels = style.new_panels(QUESTION, 2.0 + 0.33 * sum(heights), heights, sharex=True)
    _draw_batches(panels[-1], shown)
    _scale(panels, reached)
    if len(many):
        _draw_distribution(panels[0], many)
    bound = style.mark(style.VERMILLION, "", f"bound {format_bytes(CLAIM.overshoot_bytes)}", "--")
    marks = style.arm_marks(reached["arm"].sort_values())
    style.add_key(figure, [*marks, bound], _iter_notes(batches, reached, shown))
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


def _furthest(reached: pd.DataFrame) -> pd.DataFrame:
    """Return the batches of as many rows as one can read, those that overshot furthest, last."""
    row = reached.groupby(_ROW)["overshoot_bytes"].transform("max")
    order = reached.assign(furthest=row).sort_values(["furthest", *_ROW], kind="stable")
    rows = order[_ROW].drop_duplicates()[-_MOST_ROWS:]
    return order.merge(rows, on=_ROW)


def _draw_distribution(axes: Axes, reached: pd.DataFrame) -> None:
    looks = style.arm_looks(reached["arm"])
    end = axes.get_xlim()[1]
    for arm, group in (reached["overshoot_bytes"].astype(float) / _KIB).groupby(reached["arm"]):
        axes.ecdf(group, color=looks[str(arm)][0])
        axes.plot([group.max(), end], [1, 1], color=looks[str(arm)][0])
    axes.set_title(f"Distribution of {len(reached)} batches")
    axes.set_ylim(0, 1.05)
    axes.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    axes.set_ylabel("Share of batches")


def _draw_batches(axes: Axes, shown: pd.DataFrame) -> None:
    looks = style.arm_looks(shown["arm"])
    rows = dict(iter(shown.groupby(_ROW, sort=False)))
    for place, ((_, arm), own) in enumerate(rows.items()):
        colour, marker = looks[arm]
        axes.plot(
            own["overshoot_bytes"] / _KIB, [place] * len(own), marker, color=colour, alpha=0.8
        )
    axes.set_title("Each batch that reached its threshold")
    style.name_rows(axes, style.row_labels(list(rows), _NAME_WIDTH))


def _scale(panels: list[Axes], reached: pd.DataFrame) -> None:
    bound = CLAIM.overshoot_bytes / _KIB
    sizes = reached["overshoot_bytes"].astype(float) / _KIB
    for axes in panels:
        axes.axvline(bound, color=style.VERMILLION, linestyle="--", linewidth=1.5, zorder=1)
        axes.set_xlim(min(0.0, sizes.min() * 1.1), max(bound, sizes.max()) * 1.15)
    panels[-1].set_xlabel("Payload minus threshold (KiB)")


def _iter_notes(batches: pd.DataFrame, reached: pd.DataFrame, shown: pd.DataFrame) -> Iterator[str]:
    yield style.drawn(f"source: {batches['source'].iloc[0]}; each distinct batch once")
    thresholds = sorted(set(reached["threshold_bytes"]))
    said = format_bytes(thresholds[0]) if len(thresholds) == 1 else f"{len(thresholds)} different"
    binaries = batches["binary"].nunique()
    never = binaries - reached["binary"].nunique()
    by = f"; never reached by {never} of {binaries} binaries" if never else ""
    yield f"threshold: {said}{by}"
    unseen = len(reached[_ROW].drop_duplicates()) - len(shown[_ROW].drop_duplicates())
    if unseen:
        yield f"the {unseen} rows that overshot least are not drawn"
