"""The verbs print tables for people and documents for programs, and fail with a remedy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from harness.cli.corpus import app
from harness.corpus import pinned_manifest
from harness.errors import CorpusError

SMALL = {pin.name for pin in pinned_manifest().tier("small")}


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def small(tmp_path: Path) -> Path:
    directory = tmp_path / "corpus"
    assert run("fetch", "--tier", "small", directory).exit_code == 0
    return directory


def test_fetch_prints_one_document(tmp_path: Path) -> None:
    result = run("fetch", "--tier", "small", "--json", tmp_path / "corpus")
    document = json.loads(result.stdout)
    assert {row["name"] for row in document["binaries"] if row["status"] == "ok"} == SMALL


def test_list_tells_fetched_from_not_fetched(small: Path) -> None:
    document = json.loads(run("list", "--json", small).stdout)
    states = {row["name"]: row["status"] for row in document["binaries"]}
    assert states["symbolic-2"] == "missing"
    assert states["c-dwarf5"] == "ok"


def test_list_works_before_anything_was_fetched(tmp_path: Path) -> None:
    result = run("list", tmp_path / "absent")
    assert result.exit_code == 0
    assert "symbolic-2" in result.stdout


def test_verify_fails_on_a_changed_binary_and_fetch_mends_it(small: Path) -> None:
    (small / "c-dwarf5").write_bytes(b"changed")
    result = run("verify", "--tier", "small", "--json", small)
    states = {row["name"]: row["state"] for row in json.loads(result.stdout)["findings"]}
    assert isinstance(result.exception, CorpusError)
    assert states == dict.fromkeys(SMALL, "ok") | {"c-dwarf5": "changed"}
    assert run("fetch", "--tier", "small", small).exit_code == 0
    assert run("verify", "--tier", "small", small).exit_code == 0


@pytest.mark.usefixtures("unreachable_index")
def test_a_fetch_that_gets_nothing_fails(tmp_path: Path) -> None:
    assert isinstance(run("fetch", tmp_path / "corpus").exception, CorpusError)
