"""The claim that a peak repeats to the byte: ten fresh processes an arm, the collector running."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import harness
from harness.corpus import fixtures_directory
from harness.loading import load_frames
from harness.run.session import run_session
from harness.tests.commands import HARNESS
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
    samples = load_frames(run_session(request, lambda _: None)).samples
    assert set(samples["status"]) == {"ok"}
    peaks = samples[samples["metric"] == "heap_peak_memray"].groupby(["arm", "source"])["value"]
    assert dict(peaks.count()) == {
        (arm, source): PROCESSES
        for arm in ("legacy", "streaming")
        for source in ("dwarf", "replay")
    }
    assert dict(peaks.nunique()) == dict.fromkeys(peaks.groups, 1), sys.version


@pytest.mark.slow
def test_copies_of_harness_at_other_paths_agree_to_the_byte(tmp_path: Path) -> None:
    """Paths are on the heap: of another length, they move everything that is made after them."""
    peaks = []
    for place in ("a", "somewhere/with/a/much/longer/name/than/the/other"):
        package = tmp_path / place / "harness"
        shutil.copytree(Path(harness.__file__).parent, package)
        shutil.copytree(fixtures_directory(), package / "fixtures", dirs_exist_ok=True)
        library = fixtures_directory() / "binaries/cpp/dwarf5.so"
        options = ("--probe", "memray", "--replicates", "2", "--results", tmp_path / place / "runs")
        subprocess.run(
            [*HARNESS, "run", library, *options],
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / place)},
            cwd=package.parent,
            check=True,
            capture_output=True,
        )
        (run,) = (tmp_path / place / "runs").iterdir()
        samples = load_frames(run).samples
        exact = samples[samples["metric"] == "heap_peak_memray"]
        peaks.append(exact.set_index(["arm", "source", "replicate"])["value"].to_dict())
    assert len(peaks[0]) == 8
    assert peaks[0] == peaks[1]
