"""What the cyclic collector costs in time, and how much is alive around each collection."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from harness.plots import style
from harness.plots.scales import byte_scale, plain_log
from harness.stats.copies import first_replicates
from harness.stats.frames import Frames

QUESTION = "How long does the collector pause, and what stays alive?"
_SIZES = {0: 3, 1: 5, 2: 8}
_MS = 1000


@style.styled()
def draw(frames: Frames) -> Figure:
    """Draw the collections of the first replicate of the case with most of them."""
    if frames.collections.empty:
        return style.no_data(QUESTION, "the collector never ran under probe gc, or nobody watched")
    chosen = _busiest(frames)
    figure, (pauses, heap) = style.new_panels(QUESTION, 7, [4, 5], sharex=True)
    _draw_pauses(pauses, chosen)
    _draw_heap(heap, chosen)
    marks = style.arm_marks(sorted(set(chosen["arm"])), "-")
    style.add_key(figure, marks, _iter_notes(frames.collections, chosen))
    return figure


def _busiest(frames: Frames) -> pd.DataFrame:
    """Return the first replicate of each arm, of the case that paused longest in all."""
    paused = frames.collections.groupby(["binary", "source"])["duration_s"].sum()
    binary, source = min(paused.index, key=lambda case: (-paused[case], case))
    rows = frames.of_case("collections", binary, source)
    return first_replicates(rows).sort_values("start_s", kind="stable")


def _draw_pauses(axes: Axes, collections: pd.DataFrame) -> None:
    looks = style.arm_looks(collections["arm"])
    for (arm, generation), some in collections.groupby(["arm", "generation"]):
        colour, marker = looks[str(arm)]
        axes.plot(
            some["start_s"],
            _MS * some["duration_s"].clip(lower=1e-6),
            marker,
            color=colour,
            markersize=_SIZES.get(int(generation), 8),
            fillstyle="full" if generation == 2 else "none",
            alpha=0.8,
        )
    axes.set_title(style.case_title(*collections[["binary", "source"]].iloc[0]))
    axes.set_yscale("log")
    pauses_ms = _MS * collections["duration_s"].clip(lower=1e-6)
    axes.set_ylim(pauses_ms.min() / 2, pauses_ms.max() * 2)
    plain_log(axes.yaxis)
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))  # less than a decade is usual
    axes.set_ylabel("Pause (ms, log scale)")


def _draw_heap(axes: Axes, collections: pd.DataFrame) -> None:
    """Draw a line from before to after each collection, and on to the next one."""
    looks = style.arm_looks(collections["arm"])
    before, after = "heap_before_bytes", "heap_after_bytes"
    scale = byte_scale(
        collections[[before, after]].to_numpy(float).ravel().tolist(), may_be_log=False
    )
    for arm, some in collections.groupby("arm"):
        start, end = some["start_s"], some["start_s"] + some["duration_s"]
        at_s = [moment for pair in zip(start, end, strict=True) for moment in pair]
        heap = some[[before, after]].to_numpy(float).ravel() / scale.divisor
        colour, marker = looks[str(arm)]
        axes.plot(at_s, heap, color=colour, linewidth=1.2, marker=marker, markersize=2)
    axes.set_xlim(0, max(float(collections["start_s"].max()), 1e-6) * 1.03)
    axes.set_ylim(bottom=min(0.0, scale.of(scale.low)))
    axes.set_ylabel(f"Live heap ({scale.unit})")
    axes.set_xlabel("Time under probe gc (s)")


def _iter_notes(collections: pd.DataFrame, chosen: pd.DataFrame) -> Iterator[str]:
    for arm, some in chosen.groupby("arm"):
        counts = some["generation"].value_counts()
        times = " / ".join(str(counts.get(generation, 0)) for generation in (0, 1, 2))
        whole, worst = (_duration(some["duration_s"].agg(how)) for how in ("sum", "max"))
        yield style.drawn(f"{arm}: {times} collections, {whole} in all, {worst} at worst")
    yield "each mark is one collection, of generation 0 / 1 / 2: small, larger, filled"
    never = sorted(set(collections["arm"]) - set(chosen["arm"]))
    if never:
        yield style.drawn(f"no collection of this binary: {', '.join(never)}")
    yield "most memory in CPython goes when its last reference does, without any collection"


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{_MS * seconds:.3g} ms"
