"""One row a binary and source; what is missing shows as missing."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from harness.errors import MeasurementInvalid
from harness.records import CALL, Manifest
from harness.stats.doubts import unchecked_of
from harness.stats.frames import Frames
from harness.stats.summary import Row, Summary, compared_arms, summarise
from harness.tests.stats.made import ARMS, batch, delivery, failure, frames, manifest, peaks, sample

VALUES = st.lists(st.integers(min_value=1, max_value=2**40), min_size=1, max_size=5)
BINARIES = st.dictionaries(st.sampled_from("abcd"), st.tuples(VALUES, VALUES), min_size=1)


def only_row(made: Frames) -> Row:
    (row,) = summarise(made).rows
    return row


def of(binaries: dict[str, tuple[list[int], list[int]]]) -> list[dict[str, Any]]:
    return [row for name, values in binaries.items() for row in peaks(name, *values)]


def test_a_peak_is_the_median_with_its_range() -> None:
    row = only_row(frames(peaks("a", [30, 10, 20], [5, 5, 5]), verified="a"))
    assert row.baseline.peak is not None
    assert row.candidate.peak is not None
    assert (row.baseline.peak.low, row.baseline.peak.median, row.baseline.peak.high) == (10, 20, 30)
    assert not row.baseline.peak.exact
    assert row.candidate.peak.exact
    assert row.reduction_pct == 75
    assert row.counts


def test_one_replicate_is_not_called_exact() -> None:
    row = only_row(frames(peaks("a", [30], [10])))
    assert row.baseline.peak is not None
    assert not row.baseline.peak.exact


def test_nothing_measured_gives_no_rows() -> None:
    assert summarise(frames()).rows == ()


@pytest.mark.parametrize(
    ("made", "doubt"),
    [
        pytest.param(frames(peaks("a", [9], [])), "streaming has no", id="arm missing"),
        pytest.param(frames([*peaks("a", [9], []), failure("a", "streaming")], verified="a"),
                     "streaming (memray): crashed", id="arm crashed"),
        pytest.param(frames([*peaks("a", [9, 9], [1]), failure("a", "streaming", replicate=2)]),
                     "streaming (memray): crashed", id="one replicate crashed"),
        pytest.param(frames(peaks("a", [9, 9], [1]), verified="a"), "unequal replicates",
                     id="replicate lost"),
        pytest.param(frames([failure("a", "", "rejected", probe="")]), "rejected",
                     id="binary rejected"),
        pytest.param(frames(peaks("a", [9], [1])), "nobody checked", id="output not verified"),
        pytest.param(frames(peaks("a", [9], [1]), batches=[batch("a", 0, 0)]),
                     "legacy sent nothing", id="nothing sent"),
        pytest.param(
            frames(
                peaks("a", [9], [1]),
                deliveries=[delivery("a", "legacy", "d1"), delivery("a", "streaming", "d2")],
            ),
            "different scopes",
            id="output differs",
        ),
        pytest.param(
            frames(
                [*peaks("a", [9], []), sample("a", "streaming", 1, binary_sha256="cd" * 32)],
                verified="a",
            ),
            "binary changed",
            id="binary changed",
        ),
        pytest.param(
            frames([*peaks("a", [9], []), sample("a", "streaming", float("nan"))], verified="a"),
            "streaming has no",
            id="not a number",
        ),
        pytest.param(
            frames([*peaks("a", [9], []), sample("a", "streaming", float("inf"))], verified="a"),
            "streaming has no",
            id="infinite",
        ),
        pytest.param(frames(peaks("a", [0], [0]), verified="a"), "legacy held nothing",
                     id="a peak of nothing"),
    ],
)  # fmt: skip
def test_a_row_with_a_doubt_never_counts(made: Frames, doubt: str) -> None:
    row = only_row(made)
    assert any(doubt in said for said in row.doubts), row.doubts
    assert not row.counts
    assert row.binary_sha256 == ("" if doubt == "binary changed" else "ab" * 32)


def test_arms_that_delivered_different_scopes_have_no_reduction() -> None:
    different = [delivery("a", "legacy", "d1"), delivery("a", "streaming", "d2")]
    row = only_row(frames(peaks("a", [9], [1]), deliveries=different))
    assert row.same_output is False
    assert row.reduction_pct is None


@pytest.mark.parametrize(
    "deliveries",
    [
        pytest.param([], id="none"),
        pytest.param([delivery("a", "legacy")], id="one arm"),
        pytest.param(
            [delivery("a", "legacy"), delivery("a", "streaming", status="timeout")], id="one failed"
        ),
        pytest.param([delivery("a", "legacy", ""), delivery("a", "streaming", "")], id="no digest"),
    ],
)
def test_output_that_nobody_compared_is_unknown(deliveries: list[dict[str, Any]]) -> None:
    row = only_row(frames(peaks("a", [9], [1]), deliveries=deliveries))
    assert row.same_output is None


def test_sources_have_rows_of_their_own() -> None:
    replay = [{**row, "source": "replay", "value": 7.0} for row in peaks("a", [1], [1])]
    made = frames([*peaks("a", [100], [50]), *replay])
    summary = summarise(made)
    assert summary.sources == ("dwarf", "replay")
    assert [row.reduction_pct for row in summary.rows] == [50, 0]


def test_definitions_of_peak_never_mix() -> None:
    other = {"probe": "tracemalloc", "metric": "heap_peak_tracemalloc"}
    made = frames([*peaks("a", [100], []), sample("a", "streaming", 1, **other)], verified="a")
    row = only_row(made)
    assert row.candidate.peak is None
    assert row.reduction_pct is None


def test_time_counts_only_from_the_bare_probe() -> None:
    timed = [
        sample("a", arm, value, probe=probe, metric="wall", unit="second")
        for arm, probe, value in [
            ("legacy", "bare", 2.0),
            ("streaming", "bare", 1.0),
            ("streaming", "memray", 90.0),
        ]
    ]
    row = only_row(frames(timed))
    assert row.wall_ratio == pytest.approx(0.5)
    assert row.wall_interval is None
    assert (row.cpu_ratio, row.cpu_interval) == (None, None)


@pytest.mark.parametrize(
    ("old", "new", "ratio", "interval"),
    [
        pytest.param([4, 4], [2, 2], 0.5, None, id="each agree, and may be one of two modes"),
        pytest.param([4, 4], [4, 4], 1.0, (1.0, 1.0), id="all agree"),
        pytest.param([4, 4], [2], 0.5, None, id="a single replicate"),
        pytest.param([4, 9], [2, 4.5], 0.5, (0.0937, 2.668), id="two of each"),
        pytest.param([4, 0], [2, 2], None, None, id="nothing at all"),
        pytest.param([4, 4], [], None, None, id="one arm alone"),
    ],
)
def test_a_ratio_has_the_interval_that_its_replicates_allow(
    old: list[float], new: list[float], ratio: float | None, interval: tuple[float, float] | None
) -> None:
    timed = [
        sample("a", arm, value, replicate=number, metric="cpu", unit="second", probe="bare")
        for arm, values in zip(ARMS, (old, new), strict=True)
        for number, value in enumerate(values)
    ]
    row = only_row(frames(timed))
    assert row.cpu_ratio == (None if ratio is None else pytest.approx(ratio))
    assert row.cpu_interval == (None if interval is None else pytest.approx(interval, rel=1e-3))


def test_overshoot_is_that_of_batches_that_were_not_final() -> None:
    batches = [batch("a", 1, 500), batch("a", 2, 100), batch("a", 3, 9999, final=True)]
    row = only_row(frames(peaks("a", [9], [1]), batches=batches))
    assert row.candidate.batching is not None
    assert row.candidate.batching.largest_overshoot_bytes == 500
    assert row.candidate.batching.most == 3


def test_a_threshold_that_was_never_reached_says_nothing_of_overshoot() -> None:
    row = only_row(frames(peaks("a", [9], [1]), batches=[batch("a", 1, -500, final=True)]))
    assert row.candidate.batching is not None
    assert row.candidate.batching.largest_overshoot_bytes is None


def test_two_units_of_one_metric_are_refused() -> None:
    with pytest.raises(MeasurementInvalid, match="more than one unit"):
        summarise(frames([*peaks("a", [1], []), sample("a", "legacy", 1, unit="KiB")]))


def test_a_failure_carries_its_cause() -> None:
    failed = failure("a", "streaming", detail="killed by signal 9")
    row = only_row(frames([*peaks("a", [9], []), failed]))
    assert [(f.arm, f.status, f.detail) for f in row.failures] == [
        ("streaming", "crashed", "killed by signal 9")
    ]


@given(BINARIES, st.randoms())
def test_for_all_records_their_order_does_not_matter(
    binaries: dict[str, tuple[list[int], list[int]]], order: random.Random
) -> None:
    rows = of(binaries)
    shuffled = order.sample(rows, len(rows))
    made = frames(rows, verified=binaries)
    assert summarise(made) == summarise(frames(shuffled, verified=binaries))


@given(BINARIES, st.sampled_from([2, 1024, 0.5]))
def test_for_all_records_scaling_values_scales_peaks_and_keeps_reductions(
    binaries: dict[str, tuple[list[int], list[int]]], factor: float
) -> None:
    rows = of(binaries)
    scaled = [{**row, "value": row["value"] * factor} for row in rows]
    before, after = summarise(frames(rows)), summarise(frames(scaled))
    assert [_peaks(row, factor) for row in before.rows] == [_peaks(row, 1) for row in after.rows]
    reductions = [row.reduction_pct for row in before.rows]
    assert [row.reduction_pct for row in after.rows] == pytest.approx(reductions)


@given(BINARIES, st.sampled_from(["crashed", "timeout", "oom", "rejected"]), st.booleans())
def test_for_all_records_a_failed_replicate_changes_no_peak_and_makes_nothing_count(
    binaries: dict[str, tuple[list[int], list[int]]], status: str, wrote_a_value: bool
) -> None:
    lost = [
        failure(binary, "streaming", status, replicate=99)
        if not wrote_a_value
        else sample(binary, "streaming", 1, status=status, replicate=99)
        for binary in binaries
    ]
    before = summarise(frames(of(binaries), verified=binaries))
    after = summarise(frames([*of(binaries), *lost], verified=binaries))
    assert _all_peaks(before) == _all_peaks(after)
    assert not any(row.counts for row in after.rows)
    assert {structs.replace(row, doubts=(), failures=(), counts=False) for row in after.rows} == {
        structs.replace(row, doubts=(), failures=(), counts=False) for row in before.rows
    }


def _all_peaks(summary: Summary) -> list[tuple[float, ...]]:
    return [_peaks(row, 1) for row in summary.rows]


def _peaks(row: Row, factor: float) -> tuple[float, ...]:
    assert row.baseline.peak is not None
    assert row.candidate.peak is not None
    return tuple(
        value * factor
        for peak in (row.baseline.peak, row.candidate.peak)
        for value in (peak.low, peak.median, peak.high)
    )


@pytest.mark.parametrize(
    ("arms", "compared"),
    [
        pytest.param({}, ("legacy", "streaming"), id="nobody says"),
        pytest.param({"legacy": "a", "mine": "b"}, ("legacy", "mine"), id="a plugin"),
        pytest.param({"mine": "b", "streaming": "c"}, ("mine", "streaming"), id="in that order"),
        pytest.param(
            {"legacy": "a", "streaming": "c", "mine": "b"}, ("legacy", "mine"), id="three"
        ),
        pytest.param({"mine": "b"}, ("legacy", "mine"), id="a plugin alone"),
        pytest.param({"legacy": "a"}, ("streaming", "legacy"), id="legacy alone"),
        pytest.param({"s @ 1": "c", "s @ 2": "c"}, ("legacy", "streaming"), id="thresholds of one"),
    ],
)
def test_the_first_and_the_last_pipeline_that_a_run_was_asked_for_are_compared(
    arms: dict[str, str], compared: tuple[str, str]
) -> None:
    asked = [{"name": name, "pipeline": pipeline} for name, pipeline in arms.items()]
    assert compared_arms(manifest(options={"arms": asked})) == compared
    assert compared_arms(Manifest()) == ("legacy", "streaming")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "streaming: it returned nothing"),
        ({"digest": "d1"}, ""),
        ({"status": "crashed"}, ""),
        ({"source": "dwarf"}, ""),
        ({"arm": "another"}, ""),
    ],
)
def test_what_a_callable_did_is_unchecked_where_it_has_no_digest(
    changes: dict[str, str], said: str
) -> None:
    row = delivery("a", "streaming", "", source=CALL, detail="it returned nothing") | changes
    assert unchecked_of([SimpleNamespace(**row)], ARMS) == said


def test_a_reduction_by_whole_per_cents_is_that_number() -> None:
    """The claim of so many per cent holds for it: by 1 - 0.93, seven of a hundred are less."""
    made = [row for n in range(1, 100) for row in peaks(f"{n:02}", [100, 100], [100 - n] * 2)]
    found = {row.binary: row.reduction_pct for row in summarise(frames(made)).rows}
    assert found == {f"{n:02}": n for n in range(1, 100)}
