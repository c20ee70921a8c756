"""`harness scopes`: packages as JSON Lines, counts, and plain refusals."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.tests.cli.conftest import Harness
from harness.tests.commands import HARNESS, ran
from harness.tests.symbols import crafted
from harness.tests.symbols.binaries import FIXTURES

C = FIXTURES / "c" / "dwarf5.so"
MORE_ENTRIES = (
    "more than 5 entries, which is the limit (read for the unit at .debug_info+0x0) "
    "— if the file is sound, allow more: --limit dies=10"
)


def test_packages_come_as_json_lines_in_the_wire_schema(inside: Harness) -> None:
    done = inside("scopes", C, "--jsonl", "-")
    packages = [json.loads(line) for line in done.stdout.splitlines()]
    assert [package["name"] for package in packages] == ["/fixture/table.c", "/fixture/report.c"]
    assert list(packages[0])[:5] == [
        "scope_type", "name", "start_line", "end_line", "has_injectible_lines",
    ]  # fmt: skip
    assert "packages" in done.stderr


def test_counts_come_as_json_beside_a_file(inside: Harness, tmp_path: Path) -> None:
    target = tmp_path / "scopes.jsonl"
    done = inside("scopes", C, "--stats", "--jsonl", target)
    counts = json.loads(done.stdout)
    lines = target.read_text().splitlines()
    assert counts["packages"] == len(lines) == 2
    assert counts["functions"] == 12
    assert counts["skipped"] == {"type without a name": 2}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["scopes", FIXTURES / "c" / "table.c"], "not an ELF file — name a compiled binary"),
        (["scopes", FIXTURES / "c" / "stripped.so"], "no DWARF"),
        (["scopes", "/nowhere"], "No such file or directory — name a readable ELF file"),
        (["scopes", C, "--jsonl", "-", "--stats"], "both write to standard output"),
        (["scopes", C, "--jsonl", "/nowhere/x"], "cannot write /nowhere/x"),
        (["scopes", C, "--limit", "cp_s=1"], "no limit is called 'cp_s' — did you mean 'cpu_s'?"),
        (["scopes", C, "--limit", "cpu_s=soon"], "limit cpu_s: 'soon' is not a duration"),
        (["scopes", C, "--limit", "dies=5"], MORE_ENTRIES),
    ],
    ids=["text", "stripped", "absent", "two outputs", "unwritable", "no limit", "no time", "limit"],
)
def test_bad_input_gets_one_line_and_exit_code_2(
    inside: Harness, arguments: list[str | Path], said: str
) -> None:
    done = inside(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not done.stdout


def copied(directory: Path) -> Path:
    return Path(shutil.copy(C, directory / "self.so"))


def test_a_binary_is_never_its_own_output(inside: Harness, tmp_path: Path) -> None:
    binary = copied(tmp_path)
    (link := tmp_path / "link").symlink_to(binary)
    for target in (binary, link):
        done = inside("scopes", binary, "--jsonl", target)
        assert done.returncode == 2
        assert "it is the input" in done.stderr
        assert binary.read_bytes() == C.read_bytes()


def test_results_of_before_stay_when_there_are_no_new_ones(inside: Harness, tmp_path: Path) -> None:
    target = tmp_path / "before.jsonl"
    target.write_text("before")
    for arguments in (["/nowhere"], [C, "--limit", "line_rows=0"]):
        done = inside("scopes", *arguments, "--jsonl", target)
        assert done.returncode == 2
        assert target.read_text() == "before"
    assert list(tmp_path.glob("*.part")) == []


@pytest.mark.parametrize("target", ["/dev/full", "kept.jsonl"])
def test_a_full_disk_is_one_line_that_names_the_file(tmp_path: Path, target: str) -> None:
    """A process that may write no file beyond a kilobyte, as on a disk that is full."""
    kept = tmp_path / "kept.jsonl"
    kept.write_text("before")
    command = [*HARNESS, "scopes", str(C), "--jsonl", target]
    done = ran("bash", "-c", 'ulimit -f 1; "$@"', "bash", *command, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"cannot write {target}" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [kept.name]
    assert kept.read_text() == "before"


def test_a_pipe_takes_the_output_but_is_no_input(inside: Harness, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    done = inside("scopes", pipe)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "not a regular file" in done.stderr
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE) as reader:
        assert inside("scopes", C, "--jsonl", pipe).returncode == 0
        said, _ = reader.communicate()
    assert said.count(b"\n") == 2


def test_a_process_without_memory_ends_in_one_line(tmp_path: Path) -> None:
    """A line table of 60 MB in a process that may have hardly more in all."""
    path = tmp_path / "rows.so"
    path.write_bytes(crafted.line_rows(6_000_000))
    command = [*HARNESS, "scopes", str(path)]
    done = ran("bash", "-c", 'ulimit -v 80000; "$@"', "bash", *command)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "no more memory" in done.stderr


def test_an_unknown_option_is_a_usage_error(inside: Harness) -> None:
    assert inside("scopes", C, "--nonsense").returncode == 2


def test_a_verb_explains_itself(inside: Harness) -> None:
    done = inside("upload", "-h")
    assert (done.returncode, "Usage: " in done.stdout) == (0, True)
