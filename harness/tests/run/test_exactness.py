"""The claim that a peak repeats to the byte: ten fresh processes an arm, the collector running."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.corpus import fixtures_directory
from harness.run.session import run_session
from harness.store import load
from harness.tests.run.test_session import a_binary, a_request

PROCESSES = 10


@pytest.mark.slow
@pytest.mark.parametrize("fixture", ["cpp/dwarf5.so", "rust/dwarf5.so"])
def test_ten_of_ten_fresh_processes_agree_to_the_byte_for_both_arms(
    tmp_path: Path, fixture: str
) -> None:
    binary = a_binary(fixtures_directory() / "binaries" / fixture)
    replicates = {"memray": PROCESSES}
    request = a_request(tmp_path, binary, probes=("memray",), replicates=replicates)
    samples = load(run_session(request, lambda _: None)).samples
    assert set(samples["status"]) == {"ok"}
    peaks = samples[samples["metric"] == "heap_peak_memray"].groupby(["arm", "source"])["value"]
    assert dict(peaks.count()) == {
        (arm, source): PROCESSES
        for arm in ("legacy", "streaming")
        for source in ("dwarf", "replay")
    }
    assert dict(peaks.nunique()) == dict.fromkeys(peaks.groups, 1), sys.version
