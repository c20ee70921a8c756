"""The benchmark's own arithmetic, and one case of it on a small replay file."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config import MIB
from harness.records import Counters
from harness.run.pipeline_bench import CASES, READ, ZLIB, Outcome, describe, run_case
from harness.run.recording import write_replay
from harness.tests.pipelines.parcels import iter_packages, make_parcel
from harness.upload.intake import serve


class Source:
    """Small packages to be recorded."""

    language = "c"
    skipped: dict[str, int] = {}  # noqa: RUF012 - the shape of a source
    counters = Counters()

    def __init__(self) -> None:
        self.packages = iter_packages([make_parcel("p", 5), make_parcel("q", 5)])


@pytest.mark.parametrize("name", [*CASES, READ, ZLIB])
def test_every_case_runs_on_a_replay_file(name: str, tmp_path: Path) -> None:
    replay = tmp_path / "small.replay"
    write_replay(Source(), replay)
    with serve() as intake:
        outcome = run_case(name, str(replay), f"{intake.url}/count/symdb/v1/input", "")
    assert (outcome.batches, outcome.payload_bytes > 0) == (
        (1, True) if name in CASES else (0, False)
    )


def make_results(streaming_peak_bytes: int) -> dict[str, Outcome]:
    results = {
        name: Outcome(cpu_s=3.0, batches=2, fill=1.0, payload_bytes=100, peak_bytes=40 * MIB)
        for name in CASES
    }
    results[READ], results[ZLIB] = Outcome(cpu_s=1.0), Outcome(cpu_s=1.9)
    results["streaming"].peak_bytes = streaming_peak_bytes
    return results


@pytest.mark.parametrize(
    ("streaming_peak_bytes", "verdict"), [(3 * MIB, "kept"), (5 * MIB, "BROKEN")]
)
def test_a_promise_is_held_against_what_was_measured(
    streaming_peak_bytes: int, verdict: str
) -> None:
    lines = list(describe("x", make_results(streaming_peak_bytes)))
    (line,) = [line for line in lines if "peak of streaming" in line]
    assert line.split()[0] == verdict
    (speed,) = [line for line in lines if "zlib alone, speed" in line]
    assert "0.95" in speed
