"""`python -m harness sweep`, as a user calls it, and its stored run read again."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path

import pytest

from harness.config import KIB, MIB, PipelineOptions
from harness.records import Arm
from harness.run.request import sweep_arms
from harness.tests.cli.conftest import Harness
from harness.tests.described import assert_described
from harness.tests.symbols.binaries import FIXTURES

THRESHOLDS = 8
FEW = (64 * KIB, MIB, 8 * MIB)


def test_a_sweep_names_the_threshold_that_fits_and_can_be_shown_again(
    inside: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arms = sweep_arms(Arm(name="any", pipeline="any:run"), PipelineOptions())
    every = [arm.options.threshold_bytes for arm in arms if arm.options]
    assert every == [65536 << power for power in range(THRESHOLDS)]
    monkeypatch.setattr("harness.cli.sweep.sweep_arms", partial(sweep_arms, thresholds=FEW))
    results = tmp_path / "results"
    options = ("--results", results, "--budget", "1 GiB", "--json")
    done = inside("sweep", FIXTURES / "c" / "dwarf5.so", *options)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert_described("sweep.json", document)
    assert [point["threshold_bytes"] for point in document["points"]] == [*FEW]
    (answer,) = document["largest_fitting"]
    assert answer["binary"] == "dwarf5.so"
    assert answer["threshold_bytes"] == document["points"][-1]["threshold_bytes"]
    assert answer["reached"] is False
    (run,) = results.iterdir()
    shown = inside("report", run, "--output", tmp_path / "report")
    assert shown.returncode == 0, shown.stderr
    lines = [line for line in shown.stdout.splitlines() if line.startswith("dwarf5.so")]
    assert len(lines) == len(FEW)
    assert "missing" not in shown.stdout
    assert "Under probe peak: CPU time x " in shown.stdout


@pytest.mark.slow
def test_a_budget_gets_no_answer_from_a_binary_that_was_not_measured(
    harness: Harness, tmp_path: Path
) -> None:
    """One readable file in the directory must not let the other one pass."""
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    shutil.copy(FIXTURES / "c" / "dwarf5.so", inputs / "lib.so")
    shutil.copy(FIXTURES / "c" / "stripped.so", inputs / "stripped.so")
    done = harness("sweep", inputs, "--results", tmp_path / "results", "--budget", "1 GiB")
    assert done.returncode == 4, done.stderr
    assert "not everything could be measured: stripped.so: rejected: " in done.stderr
    assert "lib.so: 8.0 MiB keeps to 1.0 GiB, at a peak heap of" in done.stdout
    assert "it was never reached" in done.stdout


@pytest.mark.slow
def test_a_containers_limit_is_a_budget_too(inside: Harness, tmp_path: Path) -> None:
    """No interpreter survives 4 MiB, so no threshold does."""
    options = ("--results", tmp_path / "results", "--budget", "container:4MiB")
    done = inside("sweep", FIXTURES / "c" / "dwarf5.so", *options)
    assert done.returncode == 3, done.stderr
    assert "dwarf5.so: no threshold survives a memory limit of 4.0 MiB" in done.stdout
    assert done.stdout.count("killed") == THRESHOLDS


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ("disk:4MiB", "no budget is called 'disk'"),
        ("container:much", "--budget: 'much' is not a size"),
        ("container:0", "a memory limit must be more than 0"),
        ("", "--budget: '' is not a size"),  # as of a variable that is not set
    ],
)
def test_a_budget_that_is_none_is_refused(
    inside: Harness, tmp_path: Path, budget: str, said: str
) -> None:
    done = inside("sweep", FIXTURES / "c" / "dwarf5.so", "--budget", budget)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "work" / "results").exists()
