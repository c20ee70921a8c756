"""`harness scopes`: packages as JSON Lines, counts, and plain refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.tests.cli.conftest import Harness
from harness.tests.symbols.binaries import FIXTURES

C = FIXTURES / "c" / "dwarf5.so"


def test_packages_come_as_json_lines_in_the_wire_schema(harness: Harness) -> None:
    done = harness("scopes", C, "--jsonl", "-")
    packages = [json.loads(line) for line in done.stdout.splitlines()]
    assert [package["name"] for package in packages] == ["/fixture/table.c", "/fixture/report.c"]
    assert list(packages[0])[:5] == [
        "scope_type", "name", "start_line", "end_line", "has_injectible_lines",
    ]  # fmt: skip
    assert "packages" in done.stderr


def test_counts_come_as_json_beside_a_file(harness: Harness, tmp_path: Path) -> None:
    target = tmp_path / "scopes.jsonl"
    done = harness("scopes", C, "--stats", "--jsonl", target)
    counts = json.loads(done.stdout)
    lines = target.read_text().splitlines()
    assert counts["packages"] == len(lines) == 2
    assert counts["functions"] == 12
    assert counts["skipped"] == {}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["scopes", FIXTURES / "c" / "table.c"], "not an ELF file — name a compiled binary"),
        (["scopes", FIXTURES / "c" / "stripped.so"], "no DWARF"),
        (["scopes", "/nowhere"], "No such file or directory — name a readable ELF file"),
        (["scopes", C, "--jsonl", "-", "--stats"], "both want standard output"),
        (["scopes", C, "--jsonl", "/nowhere/x"], "cannot write /nowhere/x"),
    ],
    ids=["text", "stripped", "absent", "two outputs", "unwritable"],
)
def test_bad_input_gets_one_line_and_exit_code_2(
    harness: Harness, arguments: list[str | Path], said: str
) -> None:
    done = harness(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not done.stdout


def test_an_unknown_option_is_a_usage_error(harness: Harness) -> None:
    assert harness("scopes", C, "--nonsense").returncode == 2


@pytest.mark.parametrize("verb", ["run", "report", "scopes", "upload", "intake", "corpus"])
def test_every_verb_explains_itself(harness: Harness, verb: str) -> None:
    done = harness(verb, "-h")
    assert done.returncode == 0
    assert "Usage: " in done.stdout
