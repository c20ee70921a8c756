"""What two runs must share before their values are compared, and how a difference is told."""

from __future__ import annotations

import pytest
from msgspec import convert

from harness.records import Manifest
from harness.stats.environment import comparable_with, differences, environment_of, rig_differences

EXACT = "heap_peak_memray"


def manifest(compressor: str = "zlib", rig: str = "of-everything", **versions: str) -> Manifest:
    said = {
        "versions": {"python": "3.11.7 (main)", "memray": "1.20.0", "orjson": "3.13.0", **versions},
        "rig": {"implementation": "CPython", "machine": "x86_64", "cpu": rig},
        "rig_fingerprint": rig,
        "options": {
            "pipeline_options": {"compressor": "zlib"},
            "arms": [
                {"name": "legacy", "pipeline": "x:y"},
                {"name": "mine", "pipeline": "x:z", "options": {"compressor": compressor}},
            ],
        },
    }
    return convert(said, Manifest)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        pytest.param(manifest(), manifest(), "", id="the same"),
        pytest.param(manifest(), manifest(isal="1.7.2"), "", id="a compressor nobody asked for"),
        pytest.param(manifest("isal", isal="1.7.1"), manifest("isal", isal="1.7.2"),
                     "isal 1.7.1, then 1.7.2", id="the compressor of an arm"),
        pytest.param(manifest(), manifest(memray="1.19.0", orjson="3.12.0"),
                     "memray 1.20.0, then 1.19.0, orjson 3.13.0, then 3.12.0",
                     id="instrument and library"),
    ],
)  # fmt: skip
def test_exact_peaks_are_compared_where_nothing_that_ran_differs(
    before: Manifest, after: Manifest, told: str
) -> None:
    sides = comparable_with(EXACT, before), comparable_with(EXACT, after)
    assert rig_differences(*sides) == told
    assert (sides[0] == sides[1]) is not bool(told)


@pytest.mark.parametrize("unreadable", ["", "of-everything", "12", "[1]"])
def test_what_says_nothing_differs_in_nothing_that_could_be_told(unreadable: str) -> None:
    assert rig_differences(unreadable, comparable_with(EXACT, manifest())) == ""


@pytest.mark.parametrize(
    ("metric", "there", "same"),
    [
        pytest.param(EXACT, manifest(rig="another"), True, id="peak"),
        pytest.param("wall", manifest(rig="another"), False, id="time"),
        pytest.param(EXACT, manifest(harness="9"), True, id="harness"),
        pytest.param(EXACT, manifest(python="3.12.1"), False, id="Python"),
        pytest.param(EXACT, manifest(rig="another", memray=""), False, id="not known"),
    ],
)
def test_exact_peaks_of_another_machine_are_compared_and_times_are_not(
    metric: str, there: Manifest, same: bool
) -> None:
    assert (comparable_with(metric, manifest()) == comparable_with(metric, there)) is same
    assert comparable_with(metric, Manifest()) == ""


def test_what_nobody_recorded_is_unknown_and_differs_from_what_somebody_did() -> None:
    here = environment_of(EXACT, manifest())
    assert "memray unknown, then 1.20.0" in differences(environment_of(EXACT, Manifest()), here)
    assert differences(here, here) == []
    assert "cpu" not in here
    assert environment_of("wall", manifest())["cpu"] == "of-everything"
    assert "memray" not in environment_of("wall", manifest())
