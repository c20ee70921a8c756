"""A whole run over real binaries: what is stored, what is said, and what survives."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import msgspec
import pytest

from harness.corpus import fixtures_directory
from harness.loading import load_frames
from harness.records import Arm, Binary, Manifest
from harness.run.events import (
    CellMeasured,
    Event,
    JobFinished,
    Problem,
    RunFinished,
    RunStarted,
    SourceMeasured,
)
from harness.run.manifest import options_of
from harness.run.request import RunRequest
from harness.run.resume import request_from
from harness.run.session import run_session
from harness.stats.frames import Frames
from harness.store import read_manifest

ARMS = [
    Arm(name="legacy", pipeline="harness.pipelines.legacy:run"),
    Arm(name="streaming", pipeline="harness.pipelines.streaming:run"),
]


Ran = tuple[Frames, list[Event], RunRequest]


def real_binary(tmp_path: Path, fixture: str, name: str) -> Binary:
    path = tmp_path / name
    shutil.copy(fixtures_directory() / "binaries" / fixture, path)
    return a_binary(path)


def a_binary(path: Path) -> Binary:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return Binary(name=path.name, path=str(path), sha256=digest, size_bytes=len(content))


def a_request(tmp_path: Path, *binaries: Binary, **changes: object) -> RunRequest:
    fields: dict[str, object] = {
        "binaries": list(binaries),
        "arms": ARMS,
        "results": tmp_path / "results",
        "cache": tmp_path / "cache",
        "probes": ("memray", "bare"),
        "replicates": {"memray": 2, "bare": 1},
    }
    return RunRequest(**(fields | changes))  # type: ignore[arg-type]


def as_manifest(request: RunRequest) -> str:
    manifest = Manifest(options=options_of(request), corpus=request.binaries)
    return msgspec.json.encode(manifest).decode()


def measured(data: Frames) -> set[tuple[object, ...]]:
    columns = ["binary", "arm", "source", "probe", "replicate", "status"]
    rows = data.samples[columns].drop_duplicates().to_numpy().tolist()
    return {tuple(row) for row in rows}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """One run over a good binary with a bad name, a stripped one, and a text file."""
    tmp_path = tmp_path_factory.mktemp("session")
    text = tmp_path / "text"
    text.write_text("hello\n")
    hostile = "..\x1b[31m<b>\n" + "x" * 200 + os.fsdecode(b"\xff")
    request = a_request(
        tmp_path,
        real_binary(tmp_path, "c/dwarf5.so", hostile),
        real_binary(tmp_path, "c/stripped.so", "stripped"),
        a_binary(text),
    )
    events: list[Event] = []
    path = run_session(request, events.append)
    return load_frames(path), events, request


GOOD = r"..\x1b[31m<b>\n" + "x" * 200 + r"\xff"


def test_every_planned_replicate_is_measured(run: Ran) -> None:
    data, _, _ = run
    expected = {
        (GOOD, arm, source, probe, replicate, "ok")
        for arm in ("legacy", "streaming")
        for source in ("dwarf", "replay")
        for probe, replicate in (("memray", 0), ("memray", 1), ("bare", 0))
    }
    assert {row for row in measured(data) if row[0] == GOOD} == expected


def test_the_stored_stages_of_every_replicate_add_up_to_its_stored_peak(run: Ran) -> None:
    samples, copies = run[0].samples, run[0].copies
    keys = ["binary", "arm", "source", "replicate"]
    peaks = samples[samples["metric"] == "heap_peak_memray"].set_index(keys)["value"]
    sums = copies.groupby(keys)["bytes"].sum()
    assert len(peaks) == 8
    assert sums.to_dict() == peaks.to_dict()


def test_both_arms_deliver_the_same_scopes_from_both_sources(run: Ran) -> None:
    deliveries = run[0].deliveries
    good = deliveries[deliveries["binary"] == GOOD]
    assert len(good) == 4
    assert good["digest"].nunique() == 1
    assert (good["functions"] > 0).all()
    assert set(good["language"]) == {"c"}


def test_what_cannot_be_read_is_a_status_and_the_run_goes_on(run: Ran) -> None:
    data, events, _ = run
    refused = {row[0]: row[-1] for row in measured(data) if row[0] != GOOD}
    assert refused == {"text": "rejected", "stripped": "rejected"}
    problems = [event.message for event in events if isinstance(event, Problem)]
    assert any("not an ELF" in message for message in problems)
    assert data.manifest.not_measured == problems
    assert set(data.failures["binary"]) == {"text", "stripped"}


def test_units_that_were_left_out_are_said_of_a_binary_that_was_measured(tmp_path: Path) -> None:
    mixed = real_binary(tmp_path, "c/assembly.so", "mixed")
    request = a_request(tmp_path, mixed, sources=("replay",), probes=("bare",), replicates={})
    path = run_session(request, lambda _: None)
    assert load_frames(path).failures.empty
    assert read_manifest(path).not_measured == ["part of mixed: 1 x unit in assembly"]


def test_events_tell_the_run_in_order(run: Ran) -> None:
    data, events, _ = run
    assert isinstance(events[0], RunStarted)
    last = events[-1]
    assert isinstance(last, RunFinished)
    assert last.path == data.path
    assert data.manifest.overhead["memray"].cpu_factor > 1
    assert data.manifest.overhead["memray"].cells == 4
    cells = [(event.binary, event.source) for event in events if isinstance(event, CellMeasured)]
    assert cells.index((GOOD, "replay")) < cells.index((GOOD, "dwarf"))
    assert {binary for binary, _ in cells} == {"text", "stripped", GOOD}
    known = [event.source for event in events if isinstance(event, SourceMeasured)]
    assert known == ["replay", "dwarf"]
    jobs = [event for event in events if isinstance(event, JobFinished)]
    assert len(jobs) == 12
    assert jobs[-1].far.eta_s == pytest.approx(0.0)
    whole = events.index(jobs[-1])
    assert max(map(events.index, (e for e in events if isinstance(e, SourceMeasured)))) < whole


def test_the_manifest_says_how_to_repeat_the_run(run: Ran) -> None:
    data, _, request = run
    manifest = data.manifest
    assert manifest.state == "complete"
    assert {"memray", "python", "msgspec"} <= set(manifest.versions)
    assert [binary.sha256 for binary in manifest.corpus] == [
        binary.sha256 for binary in request.binaries
    ]
    assert request_from(data.path, read_manifest(data.path)).replicates == request.replicates


def test_nothing_is_left_in_the_scratch_directory_or_the_cache_but_whole_caches(run: Ran) -> None:
    _, _, request = run
    assert request.cache is not None
    kept = sorted(path.suffix for path in request.cache.iterdir())
    assert kept == [".delivery"] * 4 + [".replay"]


def test_a_damaged_cache_is_made_again(tmp_path: Path) -> None:
    binary = real_binary(tmp_path, "c/dwarf5.so", "lib.so")
    request = a_request(
        tmp_path, binary, arms=ARMS[1:], probes=("bare",), replicates={}, sources=("replay",)
    )
    digests = []
    for _ in range(2):
        data = load_frames(run_session(request, lambda _: None))
        digests.append(set(data.deliveries["digest"]))
        assert request.cache is not None
        (cache,) = request.cache.glob("*.replay")
        content = bytearray(cache.read_bytes())
        content[len(content) // 2] ^= 0xFF
        cache.write_bytes(content)
    assert digests[0] == digests[1]


def test_only_the_arm_that_fails_verification_is_left_out(tmp_path: Path) -> None:
    binary = real_binary(tmp_path, "c/dwarf5.so", "lib.so")
    arms = [Arm(name="broken", pipeline="harness.tests.run.faulty:raises"), ARMS[1]]
    request = a_request(tmp_path, binary, arms=arms, probes=("bare",))
    events: list[Event] = []
    data = load_frames(run_session(request, events.append))
    assert {row[1:3] + row[5:] for row in measured(data)} == {
        (arm, source, status)
        for arm, status in (("broken", "crashed"), ("streaming", "ok"))
        for source in ("dwarf", "replay")
    }
    (problem,) = {event.message for event in events if isinstance(event, Problem)}
    assert "ZeroDivisionError" in problem


def test_two_files_of_the_same_content_are_two_inputs(tmp_path: Path) -> None:
    binaries = [real_binary(tmp_path, "c/dwarf5.so", name) for name in ("a.so", "b.so")]
    request = a_request(tmp_path, *binaries, arms=ARMS[1:], probes=("peak",), sources=("replay",))
    data = load_frames(run_session(request, lambda _: None))
    assert {row[0] for row in measured(data)} == {"a.so", "b.so"}
    assert set(data.samples["status"]) == {"ok"}


def test_a_source_by_itself_is_enough(tmp_path: Path) -> None:
    """From `dwarf` nothing is recorded; that `replay` is enough is what two inputs show above."""
    binary = real_binary(tmp_path, "c/dwarf5.so", "lib.so")
    request = a_request(tmp_path, binary, arms=ARMS[1:], probes=("peak",), sources=("dwarf",))
    data = load_frames(run_session(request, lambda _: None))
    assert set(data.samples["source"]) == {"dwarf"}
    assert set(data.samples["status"]) == {"ok"}
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".delivery"]
