"""The `ci` suite for real: equal code comes out clean, an extra copy fails, damage is no verdict.

Three real runs over committed binaries, a minute or so.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from harness.corpus import binaries_of, committed_corpus
from harness.errors import ExitCode
from harness.records import Arm
from harness.run.request import RunRequest
from harness.run.session import run_session
from harness.suites import find_suite, narrowed

PLANTED = "harness.bench.planted:copies_payload"


def harness(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness", *map(str, arguments)],
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def measured(results: Path) -> Path:
    done = harness("run", "--suite", "ci", "--no-report", "--results", results)
    assert done.returncode == 0, done.stderr
    (run,) = results.iterdir()
    return run


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return measured(tmp_path_factory.mktemp("baseline"))


@pytest.fixture(scope="module")
def candidate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return measured(tmp_path_factory.mktemp("candidate"))


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run of the suite whose streaming pipeline holds the whole payload once more."""
    request = RunRequest(
        binaries=binaries_of(committed_corpus()),
        arms=[Arm(name="any", pipeline="any")],
        results=tmp_path_factory.mktemp("planted"),
        cache=tmp_path_factory.mktemp("cache"),
    )
    request = narrowed(request, find_suite("ci"))
    arms = [
        structs.replace(arm, pipeline=PLANTED) if arm.name == "streaming" else arm
        for arm in request.arms
    ]
    return run_session(structs.replace(request, arms=arms), lambda _: None)


def gate(baseline: Path, run: Path, out: Path) -> tuple[int, dict[str, Any]]:
    done = harness("gate", "--suite", "ci", "--baseline", baseline, "--out", out, run)
    assert "Traceback" not in done.stderr
    print(done.stdout)
    return done.returncode, json.loads((out / "report.json").read_bytes())


def test_two_runs_of_the_same_code_pass(baseline: Path, candidate: Path, tmp_path: Path) -> None:
    code, verdict = gate(baseline, candidate, tmp_path)
    assert (code, verdict["decision"]) == (ExitCode.OK, "pass"), verdict["reasons"]
    assert {row["state"] for row in verdict["experiments"]} == {"clean"}
    assert {row["delta_pct"] for row in verdict["experiments"]} == {0.0}


def test_an_extra_copy_of_the_payload_fails(baseline: Path, planted: Path, tmp_path: Path) -> None:
    code, verdict = gate(baseline, planted, tmp_path)
    assert (code, verdict["decision"]) == (ExitCode.GATE_FAILED, "fail"), verdict["reasons"]
    caught = {gate["name"] for gate in verdict["gates"] if gate["state"] == "fail"}
    assert caught >= {"regression", "copies"}
    assert any("harness/pipelines/encoders.py" in row["detail"] for row in verdict["bounds"])


@pytest.mark.parametrize("damage", ["emptied", "one replicate lost", "records removed"])
def test_a_damaged_run_is_no_verdict(
    baseline: Path, candidate: Path, tmp_path: Path, damage: str
) -> None:
    run = shutil.copytree(candidate, tmp_path / "damaged")
    samples = run / "records.jsonl"
    lines = samples.read_bytes().splitlines(keepends=True)
    if damage == "records removed":
        samples.unlink()
    else:
        lost = (b'"probe":"peak"', b'"replicate":1')
        kept = [line for line in lines if not all(part in line for part in lost)]
        samples.write_bytes(b"" if damage == "emptied" else b"".join(kept))
    code, verdict = gate(baseline, run, tmp_path / "out")
    assert (code, verdict["decision"]) == (ExitCode.INVALID, "invalid")
