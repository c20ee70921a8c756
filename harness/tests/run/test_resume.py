"""A run that was interrupted goes on, and one that would be another run does not."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import structs

from harness.corpus import fixtures_directory
from harness.errors import ConfigError
from harness.loading import load_frames
from harness.run.events import Event, JobFinished
from harness.run.request import RunRequest
from harness.run.resume import resume_session
from harness.run.session import run_session
from harness.store import read_manifest
from harness.store.manifest import write_manifest
from harness.tests.run.test_session import a_request, as_manifest, measured, real_binary

INTERRUPTED = """
import sys, signal, os, msgspec
from pathlib import Path
from harness.run.events import JobFinished
from harness.run.resume import request_from
from harness.run.session import run_session
from harness.records import Manifest
request = request_from(Path(sys.argv[1]) / "x", msgspec.json.decode(sys.argv[2], type=Manifest))
def on_event(event):
    if isinstance(event, JobFinished):
        print(event.far.done, flush=True)
run_session(request, on_event)
"""


def begin(request: RunRequest, manifest: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(request.results), manifest],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("number", "state"), [(signal.SIGINT, "interrupted"), (signal.SIGKILL, "running")]
)
def test_what_was_measured_survives_an_interruption_and_the_rest_is_resumed(
    tmp_path: Path, number: signal.Signals, state: str
) -> None:
    """Resumed, the run has each replicate once, as if nothing had happened."""
    binary = real_binary(tmp_path, "c/dwarf5.so", "lib.so")
    request = a_request(tmp_path, binary, sources=("replay",))
    with begin(request, as_manifest(request)) as child:
        assert child.stdout is not None
        acknowledged = [child.stdout.readline() for _ in range(2)]
        child.send_signal(number)
        child.communicate()
    assert acknowledged == ["1\n", "2\n"]
    (path,) = request.results.iterdir()
    before = load_frames(path)
    assert before.manifest.state == state
    assert 2 <= len(measured(before)) < 6
    events: list[Event] = []
    resume_session(path, events.append)
    after = load_frames(path)
    assert after.manifest.state == "complete"
    assert measured(before) < measured(after)
    assert len(measured(after)) == 6
    keys = ["binary", "arm", "source", "probe", "replicate", "metric"]
    assert not after.samples.duplicated(keys).any()
    assert not after.batches.duplicated(["binary", "arm", "source", "replicate", "batch_num"]).any()
    assert not after.timeline.duplicated(["arm", "source", "replicate", "at_s"]).any()
    assert len([e for e in events if isinstance(e, JobFinished)]) == 6 - len(measured(before))


@pytest.fixture
def finished(tmp_path: Path) -> tuple[Path, RunRequest]:
    binary = real_binary(tmp_path, "c/dwarf5.so", "lib.so")
    request = a_request(tmp_path, binary, probes=("bare",), sources=("replay",))
    return run_session(request, lambda _: None), request


def test_a_run_that_changed_is_not_resumed(finished: tuple[Path, RunRequest]) -> None:
    path, request = finished
    changed = a_request(path.parent.parent, *request.binaries, probes=("bare",), seed=2)
    with pytest.raises(ConfigError, match=r"the options differ .*: .*seed"):
        resume_session(path, lambda _: None, changed)
    Path(request.binaries[0].path).write_bytes(b"changed")
    with pytest.raises(ConfigError, match="has changed since the start"):
        resume_session(path, lambda _: None)
    manifest = read_manifest(path)
    Path(request.binaries[0].path).unlink()
    with pytest.raises(ConfigError, match="No such file"):
        resume_session(path, lambda _: None)
    shutil.copy(fixtures_directory() / "binaries/c/dwarf5.so", request.binaries[0].path)
    write_manifest(path, structs.replace(manifest, rig_fingerprint="another"))
    with pytest.raises(ConfigError, match="another rig"):
        resume_session(path, lambda _: None)
    write_manifest(path, structs.replace(manifest, code_sha256="another"))
    with pytest.raises(ConfigError, match="other code of harness"):
        resume_session(path, lambda _: None)


def test_resuming_a_finished_run_measures_nothing(finished: tuple[Path, RunRequest]) -> None:
    path, _ = finished
    before = (path / "records.jsonl").read_bytes()
    resume_session(path, lambda _: None)
    assert (path / "records.jsonl").read_bytes() == before
