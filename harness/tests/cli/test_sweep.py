"""`python -m harness sweep`, as a user calls it, and its stored run read again."""

from __future__ import annotations

import json
from pathlib import Path

from harness.tests.cli.conftest import Harness
from harness.tests.symbols.binaries import FIXTURES

THRESHOLDS = 8


def test_a_sweep_names_the_threshold_that_fits_and_can_be_shown_again(
    harness: Harness, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    options = ("--results", results, "--budget", "1 GiB", "--json")
    done = harness("sweep", FIXTURES / "c" / "dwarf5.so", *options)
    assert done.returncode == 0, done.stderr
    points = json.loads(done.stdout)
    assert [point["threshold_bytes"] for point in points] == [
        65536 << power for power in range(THRESHOLDS)
    ]
    assert "dwarf5.so: 8.0 MiB fits" in done.stderr
    (run,) = results.iterdir()
    shown = harness("report", run, "--output", tmp_path / "report")
    assert shown.returncode == 0, shown.stderr
    lines = [line for line in shown.stdout.splitlines() if line.startswith("dwarf5.so")]
    assert len(lines) == THRESHOLDS
    assert "missing" not in shown.stdout
