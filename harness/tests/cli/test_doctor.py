"""`python -m harness doctor`, as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.tests.cli.conftest import Harness


def test_a_fit_machine_is_said_to_be_fit(inside: Harness, tmp_path: Path) -> None:
    done = inside("doctor", "--results", tmp_path / "results", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    checks = {check["name"]: check for check in document["checks"]}
    assert checks["probe memray"]["status"] == "ok"
    assert checks["probe memray"]["detail"].startswith("heap_peak_memray ")
    assert "failure" not in {check["status"] for check in checks.values()}
    assert all(check["remedy"] for check in checks.values() if check["status"] != "ok")
    assert document["proofs"] == []


@pytest.mark.slow
def test_planted_faults_are_caught_and_the_untouched_pipeline_is_clean(harness: Harness) -> None:
    done = harness("doctor", "--prove")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\ncaught  ") == 19
    for fault in ("leak", "extractor", "copy", "replicate", "capture", "scope", "8 MiB more"):
        assert fault in done.stdout
    assert done.stdout.count("\nclean   ") == 1
    assert "MISSED" not in done.stdout


def test_what_cannot_be_used_is_named_and_ends_with_exit_code_2(
    inside: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.run.doctor._iter_probe_checks", lambda: ())  # tried above
    (tmp_path / "file").touch()
    done = inside("doctor", "--results", tmp_path / "file" / "below")
    assert done.returncode == 2
    assert "cannot measure here: disk for results" in done.stderr
    assert "Traceback" not in done.stderr
