"""What two runs must share before their values are compared, and how a difference is told."""

from __future__ import annotations

import pytest
from msgspec import convert

from harness.records import Manifest
from harness.stats.environment import comparable_with, rig_differences

EXACT = "heap_peak_memray"


def manifest(compressor: str = "zlib", **versions: str) -> Manifest:
    said = {
        "versions": {"python": "3.11.7 (main)", "memray": "1.20.0", "orjson": "3.13.0", **versions},
        "rig": {"implementation": "CPython", "machine": "x86_64"},
        "rig_fingerprint": "of-everything",
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
        pytest.param(
            manifest("isal", isal="1.7.1"),
            manifest("isal", isal="1.7.2"),
            "isal 1.7.1, then 1.7.2",
            id="the compressor of an arm",
        ),
        pytest.param(
            manifest(),
            manifest(memray="1.19.0", orjson="3.12.0"),
            "memray 1.20.0, then 1.19.0, orjson 3.13.0, then 3.12.0",
            id="instrument and library",
        ),
    ],
)
def test_exact_peaks_are_compared_where_nothing_that_ran_differs(
    before: Manifest, after: Manifest, told: str
) -> None:
    sides = comparable_with(EXACT, before), comparable_with(EXACT, after)
    assert rig_differences(*sides) == told
    assert (sides[0] == sides[1]) is not bool(told)


@pytest.mark.parametrize("unreadable", ["", "of-everything", "12", "[1]"])
def test_what_says_nothing_differs_in_nothing_that_could_be_told(unreadable: str) -> None:
    assert rig_differences(unreadable, comparable_with(EXACT, manifest())) == ""
