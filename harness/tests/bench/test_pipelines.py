"""The benchmark's own arithmetic, and one case of it on a small replay file."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.bench.pipelines import (
    BARE,
    CASES,
    READ,
    ZLIB,
    CaseResult,
    _as_replay,
    describe,
    main,
    run_case,
)
from harness.config import MIB
from harness.corpus import fixtures_directory
from harness.intake.server import serve
from harness.run.recording import ListedPackages, write_replay
from harness.run.replay import check_replay
from harness.tests.pipelines.parcels import iter_packages, make_parcel


def small_packages() -> ListedPackages:
    return ListedPackages(iter_packages([make_parcel("p", 5), make_parcel("q", 5)]))


@pytest.mark.parametrize("name", [*CASES, READ, ZLIB, BARE])
def test_every_case_runs_on_a_replay_file(name: str, tmp_path: Path) -> None:
    if name in ("zlib-ng", "isal"):
        pytest.importorskip(name.replace("-", "_"))
    replay = tmp_path / "small.replay"
    write_replay(small_packages(), replay)
    with serve() as intake:
        outcome = run_case(name, str(replay), f"{intake.url}/count/symdb/v1/input", "")
    assert (outcome.batches, outcome.payload_bytes > 0) == (
        (1, True) if name in CASES else (0, False)
    )


def make_results(streaming_peak_bytes: int) -> dict[str, CaseResult]:
    results = {
        name: CaseResult(cpu_s=3.0, batches=2, fill=1.0, payload_bytes=100, peak_bytes=40 * MIB)
        for name in CASES
    }
    results[READ], results[ZLIB] = CaseResult(cpu_s=1.0), CaseResult(cpu_s=1.9)
    results[BARE] = CaseResult(cpu_s=2.9)
    results["streaming"].peak_bytes = streaming_peak_bytes
    return results


def test_what_was_measured_stands_beside_its_goal() -> None:
    lines = list(describe("x", make_results(5 * MIB)))
    assert "  peak of streaming, MiB: 5 (goal: at most 4)" in lines
    speed, bare = [line for line in lines if "zlib alone, speed" in line]
    assert "0.95 (goal: at least 0.85)" in speed
    assert "a bare loop / zlib alone, speed: 1 (no goal" in bare


def test_a_binary_serves_as_well_as_the_cache_made_of_it(tmp_path: Path) -> None:
    binary = fixtures_directory() / "binaries" / "c" / "dwarf5.so"
    replay = _as_replay(binary, tmp_path / "made")
    assert replay == tmp_path / "made"
    assert check_replay(replay) is not None
    assert _as_replay(replay, tmp_path / "again") == replay


def test_the_floors_are_given_every_byte(tmp_path: Path) -> None:
    replay = tmp_path / "small.replay"
    write_replay(small_packages(), replay)
    (zlib_bytes, bare_bytes) = (run_case(n, str(replay), "", "").raw_bytes for n in (ZLIB, BARE))
    assert zlib_bytes == bare_bytes > 0


def test_a_binary_that_cannot_be_read_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pytest.importorskip("zlib_ng")
    pytest.importorskip("isal")
    (tmp_path / "text").write_text("no binary")
    monkeypatch.setattr("sys.argv", ["pipelines", str(tmp_path / "text")])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "not an ELF file" in capsys.readouterr().err
