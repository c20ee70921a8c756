"""`python -m harness scaling`, as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

from harness.corpus import fixtures_directory
from harness.tests.cli.conftest import Harness
from harness.tests.described import assert_described

LIBRARY = fixtures_directory() / "binaries/cpp/dwarf5.so"


def test_a_binary_is_measured_at_growing_prefixes_and_the_run_can_be_read_again(
    inside: Harness, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    measured = inside("scaling", LIBRARY, "--sizes", "3", "--results", results, "--json")
    assert measured.returncode == 0, measured.stderr
    (run,) = results.iterdir()
    document = json.loads(measured.stdout)
    assert_described("scaling.json", document)
    assert document["run_id"] == run.name
    assert json.loads((run / "manifest.json").read_text())["kind"] == "scaling"
    legacy = [point for point in document["points"] if point["arm"] == "legacy"]
    assert [point["share"] for point in legacy] == [1 / 3, 2 / 3, 1.0]
    assert [point["dies"] for point in legacy] == [None, None, 382]
    peaks = [point["peak_bytes"] for point in legacy]
    assert peaks == sorted(set(peaks))
    assert {line["arm"]: line["is_flat"] for line in document["trends"]}["legacy"] is False
    read = inside("scaling", run, "--size", "json")
    assert read.returncode == 0, read.stderr
    assert "legacy, one batch: grows by" in read.stdout
    assert "bytes per byte of JSON" in read.stdout.replace("\n", " ").replace("  ", " ")
    unknown = inside("scaling", run, "--size", "dies")
    assert unknown.returncode == 4
    assert "no line can be drawn" in unknown.stderr


def test_what_does_not_exist_is_named(inside: Harness) -> None:
    done = inside("scaling", "nowhere")
    assert done.returncode == 2
    assert done.stderr == (
        "error: nowhere does not exist — name a run, an ELF file or a directory of them\n"
    )
