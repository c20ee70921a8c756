"""A clock that is set back while a run lasts: in the parent, and in every measured process."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.loading import load_frames
from harness.run.resume import resume_session
from harness.store import COMPLETE
from harness.tests.commands import ran
from harness.tests.run.test_session import a_request, as_manifest, real_binary

# Debian: libfaketime; it answers every question about the wall clock, and no other.
LIBRARIES = [*Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"),
             *Path("/usr/lib/faketime").glob("libfaketimeMT.so.1")]  # fmt: skip

pytestmark = pytest.mark.skipif(
    not LIBRARIES, reason="libfaketime is not installed: apt-get install libfaketime"
)

# The parent gives its children a clean environment, in which nothing would fake their clock.
# libfaketime fails absolute sleeps on the monotonic clock, which is all that Python's sleep does.
SET_BACK = """
import json, msgspec, select, sys, time
time.sleep = lambda seconds: select.select([], [], [], seconds)
from pathlib import Path
import harness.run.executor as executor
from harness.records import Manifest
from harness.run.events import JobFinished
from harness.run.resume import request_from
from harness.run.session import run_session
environment = executor._environment
faked = json.loads(sys.argv[4])
executor._environment = lambda scratch: {**environment(scratch), **faked}
def on_event(event):
    if isinstance(event, JobFinished) and event.far.done == 1:
        Path(sys.argv[3]).write_text("-2d")
manifest = msgspec.json.decode(sys.argv[2], type=Manifest)
print(run_session(request_from(Path(sys.argv[1]) / "x", manifest), on_event))
"""


def test_a_clock_set_back_spoils_no_order_no_duration_no_peak_and_no_resumption(
    tmp_path: Path,
) -> None:
    now = tmp_path / "now"
    now.write_text("+0")
    faked = {
        "LD_PRELOAD": str(LIBRARIES[0]),
        "FAKETIME_TIMESTAMP_FILE": str(now),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    request = a_request(
        tmp_path, real_binary(tmp_path, "c/dwarf5.so", "lib.so"), sources=("replay",)
    )
    command = [sys.executable, "-c", SET_BACK, str(request.results), as_manifest(request)]
    done = ran(*command, now, json.dumps(faked), env={**os.environ, **faked})
    assert done.returncode == 0, done.stderr
    data = load_frames(Path(done.stdout.strip()))
    manifest = data.manifest
    began, ended = (
        datetime.fromisoformat(at) for at in (manifest.started_at, manifest.finished_at)
    )
    assert ended - began < -timedelta(days=1), "the clock was not set back"
    assert abs(datetime.now(UTC) - began) < timedelta(days=1)
    assert manifest.state == COMPLETE
    assert manifest.elapsed_s is not None
    assert 0 < manifest.elapsed_s < 86_400
    assert set(data.samples["order"]) == set(range(6))
    assert set(data.samples["status"]) == {"ok"}
    assert (data.samples["value"] >= 0).all()
    peaks = data.samples[data.samples["metric"] == "heap_peak_memray"]
    assert (peaks.groupby("arm")["value"].nunique() == 1).all()
    assert data.timeline["at_s"].between(0, 3600).all()
    assert data.batches["at_s"].between(0, 3600).all()
    resume_session(data.path, lambda _: None)
    assert len(load_frames(data.path).samples) == len(data.samples)
