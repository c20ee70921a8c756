"""Lines through peaks over size: which points belong together, and what is said of the slope."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.stats.frames import Frames
from harness.stats.scaling import CORPUS, SIZES, fit_lines, scaling_points, slope_in_words
from harness.stats.slope import Slope, fit_slope, rests_on, slope_without
from harness.tests.stats.made import batch, delivery, manifest, sample

SHARES = (0.25, 0.5, 0.75, 1.0)


def an_input(name: str, share: float, sha256: str = "aa", dies: int = 0) -> dict[str, Any]:
    extra = {"dies": dies} if dies else {}
    return {"name": name, "sha256": sha256, "share": share, "extra": extra}


def measured(
    peaks: dict[str, tuple[float, int]], inputs: list[dict[str, Any]], flushed: int = 0
) -> Frames:
    """Return a run in which each input has a peak and a number of functions, 100 bytes each.

    The first `flushed` of them needed more than one batch.
    """
    return Frames.build(
        manifest(inputs),
        samples=pd.DataFrame(
            [sample(name, "streaming", peak) for name, (peak, _) in peaks.items()]
            + [sample(name, "streaming", 1.0, probe="gc") for name in peaks]
        ),
        deliveries=pd.DataFrame(
            [
                delivery(name, "streaming", functions=count, raw_bytes=100 * count)
                for name, (_, count) in peaks.items()
            ]
        ),
        batches=pd.DataFrame(
            [batch(name, number, 0) for name in list(peaks)[:flushed] for number in (1, 2)]
        ),
    )


def prefixed(per_function: float, flushed: int = 0) -> Frames:
    counts = {f"a [{share}]" if share < 1 else "a": round(1000 * share) for share in SHARES}
    inputs = [an_input(name, count / 1000) for name, count in counts.items()]
    peaks = {name: (5000 + per_function * count, count) for name, count in counts.items()}
    return measured(peaks, inputs, flushed)


@pytest.mark.parametrize(
    ("per_function", "words"),
    [
        (0.0, "flat: at most 0 bytes per function"),
        (4.5, "flat: at most 4.5 bytes per function"),
        (-4.5, "flat: at most 0 bytes per function"),
        (250.0, "grows by 250 bytes per function"),
        (-12.0, "shrinks by 12 bytes per function"),
    ],
)
def test_prefixes_of_a_binary_are_a_series_with_a_line_in_words(
    per_function: float, words: str
) -> None:
    """Flat is what keeps less than a twentieth of the JSON, which is 5 bytes a function here."""
    (trend,) = fit_lines(scaling_points(prefixed(per_function)))
    assert trend.slope is not None
    assert (trend.series, trend.arm, trend.slope.points, trend.flushed) == ("a", "streaming", 4, 0)
    assert trend.meaning == words
    assert trend.is_flat == words.startswith("flat")


@pytest.mark.parametrize(("flushed", "found"), [(0, [0]), (1, [0]), (2, []), (3, [3]), (4, [4])])
def test_inputs_of_one_batch_and_of_more_are_never_on_one_line(
    flushed: int, found: list[int]
) -> None:
    points = scaling_points(prefixed(250.0, flushed))
    assert (
        sorted(point.batches > 1 for point in points) == [False] * (4 - flushed) + [True] * flushed
    )
    assert [line.flushed for line in fit_lines(points)] == found


def test_a_line_that_rests_on_one_input_is_not_given_and_says_what_would_help() -> None:
    """The figures are those of a real run: symbolic is in more batches, and far from the others."""
    counts = {"a": 60, "b": 800, "c": 840, "d": 1300, "e": 4500, "f": 5200, "symbolic": 32_000}
    peaks = {name: (270.0 * count, count) for name, count in counts.items()}
    peaks["symbolic"] = (2_300_000.0, 32_000)
    (line,) = fit_lines(scaling_points(measured(peaks, [an_input(n, 1.0, n) for n in counts])))
    assert (line.slope, line.rests_on, line.is_flat) == (None, "symbolic", False)
    assert line.meaning == (
        "no line: it would rest on symbolic alone; measure more inputs of about its size"
    )


@pytest.mark.parametrize(
    ("sizes", "peaks", "place"),
    [
        pytest.param([1, 2, 3, 4], [1, 2, 3, 4], None, id="a line"),
        pytest.param([1, 2, 3, 100], [1, 2, 3, 100], None, id="far away and on the line"),
        pytest.param([1, 2, 3, 100], [1, 2, 3, 20], 3, id="far away and beside it"),
        pytest.param([1, 1, 1, 9], [5, 5, 6, 50], 3, id="all others of one size"),
        pytest.param([1, 2, 3, 4], [7, 7, 7, 7], None, id="flat"),
        pytest.param([0, 9, 10, 11, 12, 13], [90, 9, 10, 11, 12, 13], 0, id="the smallest"),
    ],
)
def test_the_input_that_a_slope_rests_on_is_found(
    sizes: list[float], peaks: list[float], place: int | None
) -> None:
    assert rests_on(sizes, peaks) == place


@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**8)), min_size=3, max_size=30))
def test_no_other_input_moves_the_slope_further(points: list[tuple[int, int]]) -> None:
    sizes, peaks = map(list, zip(*points, strict=True))
    assume(len(set(sizes)) > 1)
    slope = fit_slope(sizes, peaks)
    moved = [abs(slope_without(sizes, peaks, n) - slope.per_unit) for n in range(len(sizes))]
    reach = max(slope.high - slope.per_unit, 0.1 * abs(slope.per_unit))
    place = rests_on(sizes, peaks)
    if place is None:
        assert max(moved) <= reach * (1 + 1e-9)
    else:
        assert moved[place] == pytest.approx(max(moved))


def test_a_line_with_too_much_scatter_is_not_known() -> None:
    slope = Slope(per_unit=1.0, low=-50.0, high=52.0, intercept=0.0, r_squared=0.1, points=3)
    assert slope_in_words(slope, "functions", 5.0) == "not known: -50 to 52 bytes per function"


def test_whole_binaries_are_one_series_and_prefixes_are_not_in_it() -> None:
    inputs = [an_input(name, 1.0, name, dies=10 * n) for n, name in enumerate("abc", start=1)]
    inputs.append(an_input("a [50%]", 0.5, "a"))
    peaks = {"a": (100.0, 1), "b": (200.0, 2), "c": (300.0, 3), "a [50%]": (50.0, 1)}
    points = scaling_points(measured(peaks, inputs))
    assert {point.binary for point in points if point.series == CORPUS} == {"a", "b", "c"}
    assert {point.binary for point in points if point.series == "a"} == {"a", "a [50%]"}
    (line,) = fit_lines(points)
    assert line.series == CORPUS
    assert line.slope is not None
    assert line.slope.per_unit == pytest.approx(100.0)
    (by_dies,) = fit_lines(points, "dies")
    assert by_dies.slope is not None
    assert by_dies.slope.per_unit == pytest.approx(10.0)
    (by_json,) = fit_lines(points, "raw_bytes")
    assert by_json.flat_limit == pytest.approx(0.05)
    assert set(SIZES) == {"functions", "dies", "raw_bytes"}


def test_an_input_without_a_peak_or_a_delivery_is_no_point() -> None:
    run = measured({"a": (1.0, 1)}, [an_input("a", 1.0)])
    lost = Frames.build(run.manifest, samples=run.samples)
    failed = Frames.build(run.manifest, deliveries=run.deliveries)
    assert scaling_points(lost) == []
    assert scaling_points(failed) == []
    assert fit_lines(scaling_points(run)) == []
