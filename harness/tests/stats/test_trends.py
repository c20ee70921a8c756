"""Many runs side by side: in order, each once, with the commit at which a level changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.frames import Frames
from harness.stats.trends import Trend, trends_of
from harness.tests.stats.made import delivery, failure, manifest, sample

RIG = {"machine": "x86_64", "implementation": "CPython", "cpu": "one", "cpus": 2}
VERSIONS = {"python": "3.11.7 (main, May 9 2026)", "memray": "1.20.0", "msgspec": "0.22"}
PEAK = "heap_peak_memray"


def a_run(number: int, values: Sequence[float], **changes: Any) -> Frames:
    """Return one run of one arm; `number` is its commit and its time."""
    metric = changes.pop("metric", PEAK)
    probe = "bare" if metric == "wall" else "memray"
    said = {
        "run_id": f"run{number}",
        "commit": f"{number:040x}",
        "started_at": f"2026-01-{number + 1:02d}",
        "versions": VERSIONS,
        "rig": RIG,
        **changes,
    }
    rows = [
        sample("a.so", "streaming", value, metric=metric, probe=probe, replicate=n)
        for n, value in enumerate(values)
    ]
    tables = {
        "samples": pd.DataFrame(rows),
        "deliveries": pd.DataFrame([delivery("a.so", "streaming")]),
    }
    return Frames.build(manifest(**said), **tables)


def only(trends: list[Trend]) -> Trend:
    (trend,) = trends
    return trend


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"versions": {**VERSIONS, "python": "3.12.1"}}, "python 3.11.7, then 3.12.1"),
        ({"versions": {**VERSIONS, "memray": "1.21.0"}}, "memray 1.20.0, then 1.21.0"),
        ({"rig": {**RIG, "machine": "aarch64"}}, "machine x86_64, then aarch64"),
        ({"options": {"pipeline_options": {"level": 9}}}, "level 6, then 9"),
    ],
    ids=["Python", "memray", "architecture", "options"],
)
def test_what_changes_numbers_without_a_change_of_code_is_a_declared_break(
    changes: dict[str, Any], reason: str
) -> None:
    trend = only(trends_of([a_run(0, [100.0, 100.0]), a_run(1, [150.0, 150.0], **changes)]))
    (change,) = trend.changes
    assert change.kind == "break"
    assert reason in change.reasons


def searched(number: int, limits: Sequence[float], grain: int = 10) -> Frames:
    declared = [{"name": PEAK, "unit": "byte", "exact": True, "grain": grain}]
    return a_run(number, limits, metrics={"memray": declared})


def test_two_searches_may_end_a_grain_apart_and_another_grain_is_a_declared_break() -> None:
    limits = [[100.0, 110.0], [110.0, 110.0], [100.0, 100.0], [130.0, 130.0]]
    runs = [searched(number, found) for number, found in enumerate(limits)]
    trend = only(trends_of([*runs, searched(4, [140.0], 20)]))
    assert trend.exact
    assert [(one.run_id, one.kind) for one in trend.changes] == [
        ("run3", "shift"),
        ("run4", "break"),
    ]
    assert trend.changes[-1].reasons == ["grain 10 B, then 20 B"]
    assert trend.remarks == [
        "no change of up to 20 B is told: two searches of the same may end so far apart"
    ]


@pytest.mark.parametrize(
    ("metric", "kind"), [(PEAK, "shift"), ("wall", "break")], ids=["exact", "time"]
)
def test_another_processor_breaks_times_and_not_exact_peaks(metric: str, kind: str) -> None:
    runs = [
        a_run(0, [100.0, 100.0], metric=metric),
        a_run(1, [150.0, 150.0], metric=metric, rig={**RIG, "cpu": "two"}),
    ]
    trend = next(t for t in trends_of(runs) if t.metric == metric)
    assert [change.kind for change in trend.changes] == [kind]


def test_a_library_is_no_excuse() -> None:
    changed = a_run(1, [110.0, 110.0], versions={**VERSIONS, "msgspec": "0.23"})
    (change,) = only(trends_of([a_run(0, [100.0, 100.0]), changed])).changes
    assert change.kind == "shift"


def test_exact_by_name_but_not_by_nature_is_judged_as_noise_and_said() -> None:
    trend = only(trends_of([a_run(0, [100.0, 100.0]), a_run(1, [100.0, 104.0])]))
    assert not trend.exact
    assert trend.changes == []
    assert "declared exact, but replicates differ" in trend.remarks[0]
    assert "2 runs are too few" in trend.remarks[1]


def test_a_run_without_a_valid_replicate_has_no_place_in_a_trend() -> None:
    failed = Frames.build(
        manifest(run_id="run1", started_at="2026-01-02"),
        samples=pd.DataFrame([failure("a.so", "streaming")]),
    )
    trend = only(trends_of([a_run(0, [1.0]), failed, a_run(2, [1.0])]))
    assert [run.run_id for run in trend.runs] == ["run0", "run2"]


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"commit": "abcdef" + "0" * 34}, "abcdef0000"),
        ({"commit": "abcdef" + "0" * 34, "dirty": True}, "abcdef0000+"),
        ({"commit": "release-of-the-year"}, "release-of-the-year"),
        ({"commit": ""}, "run0"),
    ],
    ids=["commit", "with changes", "label", "none"],
)
def test_a_run_is_named_as_people_name_it(changes: dict[str, Any], name: str) -> None:
    (run,) = only(trends_of([a_run(0, [1.0], **changes)])).runs
    assert run.name == name


@pytest.mark.parametrize("runs", [[], [a_run(0, [])]], ids=["no run", "an empty run"])
def test_nothing_has_no_trend(runs: list[Frames]) -> None:
    assert trends_of(runs) == []


LEVELS = st.lists(st.integers(1, 5), min_size=1, max_size=6)


@given(levels=LEVELS, data=st.data())
def test_for_all_orders_in_which_runs_are_given_the_history_is_that_of_their_start(
    levels: list[int], data: st.DataObject
) -> None:
    runs = [a_run(n, [float(level)] * 2) for n, level in enumerate(levels)]
    shuffled = data.draw(st.permutations(runs))
    assert trends_of(shuffled, [PEAK]) == trends_of(runs, [PEAK])


@given(levels=LEVELS)
def test_for_all_levels_an_exact_metric_steps_just_where_it_differs(levels: list[int]) -> None:
    runs = [a_run(n, [float(level)] * 2) for n, level in enumerate(levels)]
    trend = only(trends_of(runs, [PEAK]))
    differing = [n for n in range(1, len(levels)) if levels[n] != levels[n - 1]]
    changes = [(change.since_run_id, change.run_id) for change in trend.changes]
    assert changes == [(f"run{n - 1}", f"run{n}") for n in differing]
