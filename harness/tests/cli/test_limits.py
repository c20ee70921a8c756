"""`--limit NAME=VALUE`: how values are written, and where they end up."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from harness.config import (
    MEASURED_OPTIONS,
    MIB,
    Limits,
    PipelineOptions,
    SymbolOptions,
    flag_of,
)
from harness.errors import ConfigError, InputRejected
from harness.records import Arm, Manifest, Options
from harness.stats.repeat import repeat_command
from harness.store import read_manifest
from harness.tests.cli.conftest import Harness
from harness.tests.symbols import crafted
from harness.tests.symbols.binaries import FIXTURES, drain_file
from harness.units import format_exactly, parse_bytes, parse_limits


@pytest.mark.parametrize(
    ("given", "limits"),
    [
        ([], Limits()),
        (["cpu_s=90"], Limits(cpu_s=90.0)),
        (["cpu_s=1.5 s", "depth=7"], Limits(cpu_s=1.5, depth=7)),
        (["cpu_s=PT15M"], Limits(cpu_s=900.0)),
        (["string_bytes=2 MiB", "dies=1_000"], Limits(string_bytes=2 * MIB, dies=1000)),
        (["depth=1", "depth=2"], Limits(depth=2)),
    ],
)
def test_sizes_durations_and_counts_are_read(given: list[str], limits: Limits) -> None:
    assert parse_limits(given) == limits


@pytest.mark.parametrize(
    ("content", "tight"),
    [
        (crafted.line_rows(2000), "inflated_bytes=1 KiB"),
        (crafted.line_rows(30), "dies=1"),
        (crafted.line_rows(30), "line_rows=20"),
        (crafted.shared_ranges(3, 5), "depth=0"),
        (crafted.shared_ranges(3, 60_000), "list_entries=10_000"),
        (crafted.shared_locations(3, 60_000), "list_entries=10_000"),
        (crafted.shared_ranges(3, 5), "cpu_s=0"),
    ],
    ids=["inflated", "entries", "rows", "depth", "ranges", "locations", "time"],
)
def test_whoever_does_as_a_rejection_says_gets_the_file_read(
    tmp_path: Path, content: bytes, tight: str
) -> None:
    file = tmp_path / "tight.so"
    file.write_bytes(content)
    given = [tight]
    while (said := rejection_of(file, given)) and len(given) < 12:
        assert said.startswith(f"{file}: ")
        given.append(said.partition(" allow more: --limit ")[2])
    assert not said
    assert len(given) > 1


def rejection_of(file: Path, given: list[str]) -> str:
    try:
        drain_file(file, SymbolOptions(limits=parse_limits(given)))
    except InputRejected as rejection:
        return str(rejection)
    return ""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("cp_s=1", "no limit is called 'cp_s' — did you mean 'cpu_s'"),
        ("speed=1", "no limit is called 'speed' — known: inflated_bytes, "),
        ("depth", "limit depth: '' is not a count"),
        ("depth=1.5", "limit depth: '1.5' is not a count"),
        ("dies=-1", "limit dies: '-1' is not a count"),
        ("cpu_s=inf", "limit cpu_s: 'inf' is not a duration"),
        ("cpu_s=-PT1S", "limit cpu_s: '-PT1S' is not a duration"),
        ("string_bytes=much", "limit string_bytes: 'much' is not a size"),
        ("string_bytes=5 EiB", "limit string_bytes: '5 EiB' is more than any machine has"),
    ],
)
def test_what_is_no_limit_is_refused_with_a_remedy(given: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_limits([given])
    assert str(caught.value).startswith(said)


def test_a_limit_of_a_run_reaches_the_worker_and_the_manifest(
    inside: Harness, tmp_path: Path
) -> None:
    quick = ("--probe", "bare", "--source", "dwarf", "--replicates", "1")
    done = inside("run", FIXTURES / "c" / "dwarf5.so", *quick, "--no-report", "--limit", "dies=5")
    assert done.returncode == 2
    assert "more than 5 entries, which is the limit" in done.stderr
    (run_dir,) = (tmp_path / "work" / "results" / "runs").iterdir()
    manifest = read_manifest(run_dir)
    assert manifest.options.symbol_options.limits.dies == 5
    command = repeat_command(manifest, ("dwarf5.so", "dwarf"), ["legacy"])
    assert command.endswith("--limit dies=5")


@pytest.mark.parametrize(
    ("pipeline", "told"),
    [
        ("harness.pipelines.streaming:run", "--arm streaming "),
        ("mine.fast:run", "--arm streaming=mine.fast:run "),
        ("/src/my work:mine.fast:run", "--arm 'streaming=/src/my work/mine/fast.py:run' "),
    ],
    ids=["ours", "of a module", "of a file"],
)
def test_what_is_repeated_is_the_pipeline_and_not_another_of_its_name(
    pipeline: str, told: str
) -> None:
    arms = [Arm(name="streaming", pipeline=pipeline)]
    manifest = Manifest(options=Options(arms=arms))
    assert told in repeat_command(manifest, ("a.so", "dwarf"), ["streaming"])


def test_every_option_of_a_pipeline_that_is_not_the_usual_one_is_repeated() -> None:
    usual = structs.asdict(PipelineOptions())
    changed = {name: not old if isinstance(old, bool) else f"{old}7" if isinstance(old, str)
               else old + 7 for name, old in usual.items() if name in MEASURED_OPTIONS}  # fmt: skip
    options = Options(pipeline_options=structs.replace(PipelineOptions(), **changed))
    command = repeat_command(Manifest(options=options), ("a.so", "dwarf"), ["streaming"])
    for name, value in changed.items():
        assert flag_of(name) + ("" if isinstance(value, bool) else f" {value}") in command


@given(st.integers(1, 5000), st.integers(0, 4))
def test_a_memory_limit_is_shown_as_what_was_tried(count: int, power: int) -> None:
    size = count << 10 * power
    assert parse_bytes(format_exactly(size).replace(",", "")) == size


def test_an_upload_keeps_to_a_limit_too(inside: Harness) -> None:
    names = ("--service", "s", "--version", "1", "--url", "http://127.0.0.1:9/nobody")
    done = inside("upload", FIXTURES / "c" / "dwarf5.so", *names, "--limit", "dies=5")
    assert done.returncode == 2
    assert "more than 5 entries" in done.stderr


@pytest.mark.parametrize(
    ("size", "said"),
    [
        ("1 KiB", "1 KiB is too small — give at least 4 KiB"),
        ("much", "'much' is not a size — write it like"),
    ],
)
def test_a_size_that_is_none_or_below_its_bound_is_refused(
    inside: Harness, size: str, said: str
) -> None:
    done = inside("limit", FIXTURES / "c" / "dwarf5.so", "--grain", size)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: --grain: {said}")
