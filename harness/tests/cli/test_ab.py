"""`harness ab` over a user's own callables, through the real command line and real processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.tests.cli.conftest import Harness

EXPORT = """
import csv, gzip, json

def old(path):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    text = json.dumps(rows)
    with gzip.open("out.json.gz", "wt") as file:
        file.write(text)

def new(path):
    with open(path, newline="") as file, gzip.open("out.json.gz", "wt") as out:
        out.write("[")
        for number, row in enumerate(csv.DictReader(file)):
            out.write((", " if number else "") + json.dumps(row))
        out.write("]")

def shorter(path):
    return "less"

def longer(path):
    return "more"

def frame(path):
    return object()

def fails(path):
    return json.loads("no")

def looks_here(path):
    return open("data.csv")
"""
QUICK = ("--probe", "peak", "--replicates", "1", "--no-report")


@pytest.fixture
def ab(inside: Harness, tmp_path: Path) -> Harness:
    """`harness ab` in a directory with a module and a file of 4,000 rows."""
    work = tmp_path / "work"
    (work / "export.py").write_text(EXPORT)
    rows = "".join(f"{number},name {number},{number / 7}\n" for number in range(4_000))
    (work / "data.csv").write_text(f"id,name,value\n{rows}")
    return lambda *arguments: inside("ab", *arguments, "--input", "data.csv")


def test_two_callables_are_compared_and_the_lines_named(ab: Harness) -> None:
    done = ab("export:old", "export:new", "--probe", "peak", "--probe", "memray", *QUICK[2:])
    assert done.returncode == 0, done.stderr
    table = done.stdout.split("by line")[1]
    assert "new needs 9" in done.stdout
    assert "less peak heap than old over 1 input" in done.stdout
    assert "export.py:6 old" in table
    assert "text = json.dumps(rows)" in table
    assert "inputs" in table
    assert "overshoot" not in done.stdout


@pytest.mark.parametrize(
    ("targets", "code", "said"),
    [
        (("export:shorter", "export:longer"), 4, "the two returned or wrote something different"),
        (("export:shorter", "export:frame"), 0, "Nothing shows that both did the same"),
        (("export:fails",), 4, "Expecting value: line 1 column 1 (char 0) (export.py:28 fails)"),
        (
            ("export:looks_here",),
            4,
            "(export.py:31 looks_here) — it ran in an empty directory: give",
        ),
        (("gone:old", "gone:new"), 2, "there is no module gone, neither here nor installed"),
        (("a:b", "c:d", "e:f"), 2, "3 callables are named"),
        ((), 2, "no callable is named"),
        (("export:old", "--install", "true"), 2, "--install does nothing without --rev"),
        (("export:old", "--digest", "old"), 2, "'old' does not name a callable"),
        (("export:longer", "--digest", "export.py:shorter"), 0, "longer holds"),
        (("export:old", "--out", "gate"), 2, "--out does nothing without --suite"),
        (("export:old", "--tolerance", "5"), 2, "--tolerance does nothing where one callable is"),
        (("--suite", "ci", "--rev", "a", "--rev", "b"), 2, "--input does nothing with --suite"),
        (("export:old", "--output-of", "../out"), 2, "../out is not in the directory"),
    ],
)
def test_what_cannot_be_answered_is_one_line_and_no_success(
    ab: Harness, targets: tuple[str, ...], code: int, said: str
) -> None:
    done = ab(*targets, *QUICK)
    assert done.returncode == code, done.stderr
    assert said in " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in done.stderr


def test_one_callable_is_compared_with_nothing(ab: Harness) -> None:
    done = ab("export:shorter", *QUICK, "--json")
    document = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert document["rows"][0]["candidate"]["peak"]["metric"] == "heap_peak"
    assert document["rows"][0]["reduction_pct"] is None
