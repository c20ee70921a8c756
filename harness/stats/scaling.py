"""How the peak of each arm grows with the size of what is uploaded, and in words whether it does.

Two kinds of series come from the tables of any run: all whole binaries of a source (`corpus`), and
one binary replayed at growing prefixes, where nothing differs but the amount.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, field

from harness.errors import MeasurementInvalid
from harness.records import Binary
from harness.stats.batches import batching_of
from harness.stats.frames import Frames
from harness.stats.quantity import quantities_of
from harness.stats.slope import Slope, fit_slope, readable, rests_on
from harness.stats.summary import best_peak

SCALING = "scaling"
"""The `kind` in the manifest of a run that was made to see how peaks grow with size."""

CORPUS = "corpus"
"""The series of all whole binaries; others are named after the binary whose prefixes they are."""

SIZES = {"functions": "function", "dies": "DIE", "raw_bytes": "byte of JSON"}
"""What size can be measured in, with the name of one unit."""

SIZE_COLUMNS = {"functions": "functions", "dies": "dies", "json": "raw_bytes"}
"""The same by what the option is called."""

BATCHES = ("one batch", "more batches")
"""What tells the two lines of an arm apart: whether their inputs needed more than one batch."""

FLAT_SHARE = 0.05
"""A peak is flat when, by the end of its interval, it keeps less of the JSON than this."""


class ScalingPoint(Struct, frozen=True):
    """The median peak of one arm over one input, and how large that was.

    `functions` and `raw_bytes` are what the verification run delivered. `dies` is None where nobody
    counted them, as for prefixes. `batches` is how many were flushed: more than one means that the
    arm had reached the limit that bounds it.
    """

    series: str
    source: str
    arm: str
    binary: str
    share: float
    functions: int
    raw_bytes: int
    dies: int | None
    batches: int
    peak_bytes: float


class SizeLine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The straight line through the points of one arm in one series, of one batch or of more.

    The first batch grows with the input and no later one does, so the two mean different things:
    `flushed` is how many of the points had more than one batch, which is none or all of them.
    `flat_limit` is what `FLAT_SHARE` of the JSON comes to in bytes per unit of size. It is flat
    when the whole interval of the slope is too close to zero for the payload to be held; `words`
    says what the slope means. Where a line would rest on a single input, `rests_on` names it, and
    there is no slope.
    """

    series: str
    source: str
    arm: str
    size: str
    slope: Slope | None
    rests_on: str
    flat_limit: float
    flushed: int
    is_flat: bool
    meaning: str = field(name="words")


def is_flat(slope: Slope, flat_limit: float) -> bool:
    """Return whether the whole interval of a slope lies within the limit, in bytes per unit."""
    return -flat_limit <= slope.low and slope.high <= flat_limit


def slope_in_words(slope: Slope, size: str, flat_limit: float, alone: str = "") -> str:
    """Return what a slope means, in plain words and the unit of its size.

    `alone` is the one input that it rests on, if it does.
    """
    unit = SIZES[size]
    if alone:
        return f"no line: it would rest on {alone} alone; measure more inputs of about its size"
    if is_flat(slope, flat_limit):
        return f"flat: at most {readable(max(slope.high, 0.0))} bytes per {unit}"
    if slope.low > 0:
        return f"grows by {readable(slope.per_unit)} bytes per {unit}"
    if slope.high < 0:
        return f"shrinks by {readable(-slope.per_unit)} bytes per {unit}"
    return f"not known: {readable(slope.low)} to {readable(slope.high)} bytes per {unit}"


def scaling_points(frames: Frames) -> list[ScalingPoint]:
    """Return a point for each input, source and arm that has a peak and a verified delivery.

    The peak is the best that was measured.
    """
    taken = best_peak(frames), frames.metrics.probe(best_peak(frames))
    peaks = {
        cell: one.median
        for cell, quantities in quantities_of(frames.samples).items()
        for one in quantities
        if (one.metric, one.probe) == taken
    }
    batches = batching_of(frames.batches)
    delivered = frames.deliveries[frames.deliveries["status"] == "ok"]
    inputs = {one.name: one for one in frames.manifest.corpus}
    series = _series_of(inputs)
    points = [
        ScalingPoint(
            series=name,
            source=row.source,
            arm=row.arm,
            binary=row.binary,
            share=inputs[row.binary].share,
            functions=int(row.functions),
            raw_bytes=int(row.raw_bytes),
            dies=inputs[row.binary].extra.get("dies"),
            batches=batches[case].most if case in batches else 0,
            peak_bytes=peaks[case],
        )
        for row in delivered.astype(object).itertuples(index=False)
        if (case := (row.binary, row.source, row.arm)) in peaks
        for name in series.get(row.binary, ())
    ]
    return sorted(points, key=lambda one: (one.series, one.source, one.arm, one.functions))


def fit_lines(points: list[ScalingPoint], size: str = "functions") -> list[SizeLine]:
    """Return the lines of each series, source and arm that have three points of different size.

    Args:
        points: As from `scaling_points`; those whose size is not known are left out.
        size: One of `SIZES`.
    """
    groups: dict[tuple[str, str, str, bool], list[ScalingPoint]] = {}
    for point in points:
        if getattr(point, size) is not None:
            key = (point.series, point.source, point.arm, point.batches > 1)
            groups.setdefault(key, []).append(point)
    return [line for _, group in sorted(groups.items()) for line in _iter_lines(group, size)]


def _iter_lines(points: list[ScalingPoint], size: str) -> Iterator[SizeLine]:
    """Yield the line through points that belong together; none where they are too few."""
    sizes = [float(getattr(point, size)) for point in points]
    peaks = [point.peak_bytes for point in points]
    try:
        slope = fit_slope(sizes, peaks)
    except MeasurementInvalid:  # too few inputs: no line is no failure of the others
        return
    flat_limit = FLAT_SHARE * sum(point.raw_bytes for point in points) / sum(sizes)
    place = rests_on(sizes, peaks, flat_limit)
    alone = "" if place is None else points[place].binary
    yield SizeLine(
        series=points[0].series,
        source=points[0].source,
        arm=points[0].arm,
        size=size,
        slope=None if alone else slope,
        rests_on=alone,
        flat_limit=flat_limit,
        flushed=sum(point.batches > 1 for point in points),
        is_flat=not alone and is_flat(slope, flat_limit),
        meaning=slope_in_words(slope, size, flat_limit, alone),
    )


def _series_of(inputs: dict[str, Binary]) -> dict[str, list[str]]:
    """Return the series that each input is in: its binary's, where that was cut, and the corpus.

    One whole binary is no corpus.
    """
    cut = {one.sha256 for one in inputs.values() if one.share < 1}
    wholes = {one.sha256: name for name, one in inputs.items() if one.share == 1}
    return {
        name: [wholes.get(one.sha256, name)] * (one.sha256 in cut)
        + [CORPUS] * (one.share == 1 and len(wholes) > 1)
        for name, one in inputs.items()
    }
