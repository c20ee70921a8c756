"""The `ci` suite for real: equal code comes out clean, an extra copy fails, damage is no verdict.

Three real runs over its smallest binary, extracted as in production; `tox -e slow` takes all of
them, and replays, too.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from typer.testing import CliRunner

from harness.cli.app import app
from harness.corpus import binaries_of, committed_corpus, fixtures_directory
from harness.errors import ExitCode
from harness.records import Arm
from harness.run.request import RunRequest
from harness.run.session import run_session
from harness.suites import find_suite, narrowed
from harness.tests.commands import HARNESS, ran

PLANTED = "harness.bench.planted:copies_payload"
BINARIES = '["c-dwarf5", "cpp-dwarf5", "rust-dwarf5"]'
SOURCES = '["dwarf", "replay"]'


@pytest.fixture(scope="module", params=["smallest", pytest.param("all", marks=pytest.mark.slow)])
def suite(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    if request.param == "all":
        return "ci"
    text = (fixtures_directory() / "suites" / "ci.toml").read_text()
    assert BINARIES in text
    assert SOURCES in text
    path = tmp_path_factory.mktemp("suite") / "ci.toml"
    path.write_text(text.replace(BINARIES, '"c-dwarf5"').replace(SOURCES, '"dwarf"'))
    return str(path)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache that the three runs share: what one has extracted, the next replays."""
    return tmp_path_factory.mktemp("cache")


def measured(suite: str, results: Path, cache: Path, streaming: str = "") -> Path:
    """Measure what a suite asks for, with another pipeline in the place of streaming if named."""
    request = RunRequest(
        binaries=binaries_of(committed_corpus()),
        arms=[Arm(name="any", pipeline="any")],
        results=results,
        cache=cache / "harness" / "packages",
    )
    request = narrowed(request, find_suite(suite))
    arms = [
        structs.replace(arm, pipeline=streaming) if streaming and arm.name == "streaming" else arm
        for arm in request.arms
    ]
    return run_session(structs.replace(request, arms=arms), lambda _: None)


@pytest.fixture(scope="module")
def baseline(suite: str, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return measured(suite, tmp_path_factory.mktemp("baseline"), cache)


@pytest.fixture(scope="module")
def candidate(suite: str, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run of the suite by the command."""
    results = tmp_path_factory.mktemp("candidate")
    options = ("--no-report", "--suite", suite, "--results", results)
    environment = {**os.environ, "NO_COLOR": "1", "XDG_CACHE_HOME": str(cache)}
    done = ran(*HARNESS, "run", *options, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    (run,) = results.iterdir()
    return run


@pytest.fixture(scope="module")
def planted(suite: str, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run of the suite whose streaming pipeline holds the whole payload once more."""
    return measured(suite, tmp_path_factory.mktemp("planted"), cache, streaming=PLANTED)


def gate(suite: str, baseline: Path, run: Path, out: Path) -> tuple[int, dict[str, Any]]:
    arguments = ("gate", "--suite", suite, "--baseline", baseline, "--out", out, run)
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    return done.exit_code, json.loads((out / "report.json").read_bytes())


def test_two_runs_of_the_same_code_pass(
    suite: str, baseline: Path, candidate: Path, tmp_path: Path
) -> None:
    code, verdict = gate(suite, baseline, candidate, tmp_path)
    assert (code, verdict["decision"]) == (ExitCode.OK, "pass"), verdict["reasons"]
    assert {row["state"] for row in verdict["experiments"]} == {"clean"}
    assert {row["delta_pct"] for row in verdict["experiments"]} == {0.0}


def test_an_extra_copy_of_the_payload_fails(
    suite: str, baseline: Path, planted: Path, tmp_path: Path
) -> None:
    code, verdict = gate(suite, baseline, planted, tmp_path)
    assert (code, verdict["decision"]) == (ExitCode.GATE_FAILED, "fail"), verdict["reasons"]
    caught = {gate["name"] for gate in verdict["gates"] if gate["state"] == "fail"}
    assert caught >= {"regression", "copies"}
    assert any("harness/pipelines/encoders.py" in row["detail"] for row in verdict["bounds"])
