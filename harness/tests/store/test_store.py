"""What a run directory promises: nothing acknowledged is lost, nothing damaged is believed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import StoreError
from harness.loading import load_frames
from harness.records import Binary, Manifest
from harness.store import RunWriter
from harness.store.reader import RECORDS
from harness.tests.disks import mounted
from harness.tests.store.records import a_record

SAMPLE_COLUMNS = [
    *("run_id", "binary", "arm", "source", "binary_sha256", "probe", "replicate", "order"),
    *("status", "randomised", "rig", "metric", "unit", "value"),
]


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[RunWriter]:
    with RunWriter.create(tmp_path / "results", Manifest(state="running")) as created:
        yield created


def left_behind(writer: RunWriter) -> Path:
    """Return a copy of the run that no process holds."""
    copied: Path = shutil.copytree(writer.path, writer.path.parent / "left")
    return copied


def test_a_record_comes_back_in_every_table(writer: RunWriter) -> None:
    writer.append(a_record())
    data = load_frames(writer.path)
    assert list(data.samples.columns) == SAMPLE_COLUMNS
    assert data.samples.iloc[0][["metric", "unit", "value"]].tolist() == [
        "heap_peak_memray",
        "byte",
        4096.0,
    ]
    assert data.batches["overshoot_bytes"].tolist() == [44, 44]
    assert data.batches["final"].tolist() == [False, True]
    assert data.collections["heap_before_bytes"].tolist() == [9000]
    assert data.timeline["heap_bytes"].tolist() == [0, 4096]
    assert data.copies["copies"].tolist() == [2.0, 96 / 2000]
    assert data.manifest.state == "running"
    assert data.warnings == []


def test_a_failed_replicate_is_a_row_without_a_value(writer: RunWriter) -> None:
    """It counts in the inventory, carries no number, and its reason is kept."""
    writer.append(a_record("crashed"))
    data = load_frames(writer.path)
    row = data.samples.iloc[0]
    assert (row.status, row.metric, row.unit) == ("crashed", "", "")
    assert data.samples["value"].isna().all()
    assert data.failures["detail"].tolist() == ["the stderr tail"]
    assert data.timeline.empty
    assert data.copies.empty


def test_a_verification_run_is_a_delivery_and_no_sample_of_a_metric(writer: RunWriter) -> None:
    record = a_record(probe="verify")
    record.values = {}
    writer.append(record)
    data = load_frames(writer.path)
    assert data.samples.empty
    assert data.deliveries[["digest", "scopes"]].to_numpy().tolist() == [["feed", 7]]
    assert data.deliveries["skipped"].tolist() == [{"no name": 2}]


def test_batches_of_a_replicate_are_kept_once_whatever_the_number_of_probes(
    writer: RunWriter,
) -> None:
    writer.append(a_record(probe="memray"))
    writer.append(a_record(probe="gc"))
    writer.append(a_record(probe="gc", replicate=1))
    kept = load_frames(writer.path).batches
    assert kept[["replicate", "probe"]].drop_duplicates().to_numpy().tolist() == [
        [0, "memray"],
        [1, "gc"],
    ]


def test_an_empty_run_has_every_column_with_its_type(writer: RunWriter) -> None:
    data = load_frames(writer.path)
    assert data.samples["value"].dtype == "float64"
    assert data.batches["final"].dtype == "bool"
    assert data.timeline["heap_bytes"].dtype == "int64"
    assert [list(frame.columns) for frame in (data.samples, data.copies)] == [
        SAMPLE_COLUMNS,
        [
            *SAMPLE_COLUMNS[:4],
            "replicate",
            "stage",
            "location",
            "code",
            "bytes",
            "copies",
            "inputs",
        ],
    ]


def test_a_torn_last_line_is_left_out_and_said(writer: RunWriter) -> None:
    writer.append(a_record())
    records = writer.path / RECORDS
    with records.open("ab") as file:
        file.write(b'{"run_id":"run","bina')
    data = load_frames(writer.path)
    assert len(data.samples) == 1
    assert data.warnings == [f"{records}: line 2 is torn and was left out"]


@pytest.mark.parametrize(
    "damage",
    [b'{"run_id":"run","bina\n', b"\0" * 40 + b"\n", b"\n", b"[1]\n", b'{"job":{},"surprise":1}\n'],
    ids=["cut", "zeros", "empty", "other shape", "other keys"],
)
def test_a_damaged_line_in_the_middle_is_refused_with_file_and_line(
    writer: RunWriter, damage: bytes
) -> None:
    writer.append(a_record())
    records = writer.path / RECORDS
    good = records.read_bytes()
    records.write_bytes(good + damage + good)
    with pytest.raises(StoreError, match=r"records\.jsonl: line 2 is damaged"):
        load_frames(writer.path)


def test_reopening_drops_the_torn_line_so_that_appending_cannot_damage_the_middle(
    writer: RunWriter,
) -> None:
    writer.append(a_record())
    path = left_behind(writer)
    with (path / RECORDS).open("ab") as file:
        file.write(b'{"run_id":"run","bina')
    with RunWriter.reopen(path) as resumed:
        resumed.append(a_record(replicate=1))
    data = load_frames(path)
    assert data.samples["replicate"].tolist() == [0, 1]
    assert data.warnings == []


def test_two_runs_in_one_results_directory_never_share_a_directory(tmp_path: Path) -> None:
    runs = [RunWriter.create(tmp_path, Manifest()) for _ in range(5)]
    for run in runs:
        run.append(a_record())
        run.close()
    assert len({run.path for run in runs}) == 5
    assert all(len(load_frames(run.path).samples) == 1 for run in runs)


def test_a_run_has_one_writer(writer: RunWriter) -> None:
    with pytest.raises(StoreError, match="being written by another process"):
        RunWriter.reopen(writer.path)


def test_a_results_directory_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot create a run"):
        RunWriter.create(tmp_path / "file" / "results", Manifest())


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "is this a run directory"), ("{", "not JSON"), ("[]", "not a JSON object")],
    ids=["none", "cut", "array"],
)
def test_a_directory_without_a_readable_manifest_is_no_run(
    tmp_path: Path, content: str | None, reason: str
) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(StoreError, match=reason):
        load_frames(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"versions": []},
        {"options": 3},
        {"options": {"arms": ["legacy"]}},
        {"corpus": {"libelf": 1}},
        {"corpus": [{"sha256": "ab"}]},
        {"overhead": {"memray": {"cpu_factor": 2.0}}},
        {"surprise": 1},
    ],
    ids=str,
)
def test_a_manifest_whose_parts_are_not_what_they_are_taken_for_is_refused(
    writer: RunWriter, changes: dict[str, object]
) -> None:
    path = writer.path / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **changes}))
    with pytest.raises(StoreError, match=f"manifest is damaged: .*{next(iter(changes))}"):
        load_frames(writer.path)


def test_a_run_of_another_format_is_refused(writer: RunWriter) -> None:
    writer.update_manifest(format=99)
    with pytest.raises(StoreError, match="format 99 cannot be read"):
        load_frames(writer.path)


def test_the_manifest_survives_any_name(writer: RunWriter) -> None:
    """Control characters, markup and undecodable bytes are data, not layout."""
    name = "\x1b[31m<script>\n" + os.fsdecode(b"\xff") + "é"
    writer.update_manifest(corpus=[Binary(name=name, path="", sha256="", size_bytes=0)])
    assert load_frames(writer.path).manifest.corpus[0].name == name
    assert json.loads((writer.path / "manifest.json").read_text("ascii"))


def test_warnings_of_the_run_are_shown_to_its_readers(writer: RunWriter) -> None:
    writer.update_manifest(warnings=["the code changed"])
    assert load_frames(writer.path).warnings == ["the code changed"]


def test_hostile_names_stay_on_their_line(writer: RunWriter) -> None:
    name = 'a"\n\r\u2028\x00\x1b[2J../..//<b>' + "x" * 255
    writer.append(a_record(binary=name))
    assert load_frames(writer.path).samples["binary"].tolist() == [name]


WRITE_UNTIL_KILLED = """
import sys
from collections.abc import Iterator
from pathlib import Path
from harness.records import Manifest
from harness.store import RunWriter
from harness.tests.store.records import a_record
with RunWriter.create(Path(sys.argv[1]), Manifest()) as run:
    for replicate in range(1_000_000):
        run.append(a_record(replicate=replicate))
        print(replicate, flush=True)
"""


def test_every_acknowledged_record_survives_kill_9(tmp_path: Path) -> None:
    """What the writer said is stored is there, whole, in every table."""
    child = subprocess.Popen(
        [sys.executable, "-c", WRITE_UNTIL_KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    with child:
        acknowledged = [int(child.stdout.readline()) for _ in range(20)]
        child.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in child.stdout]
    (run,) = tmp_path.iterdir()
    data = load_frames(run)
    assert set(acknowledged) <= set(data.samples["replicate"]) == set(data.timeline["replicate"])


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 256 KiB."""
    yield from mounted(tmp_path / "disk", "256k")


def test_a_full_disk_is_an_error_and_keeps_what_was_acknowledged(full_disk: Path) -> None:
    acknowledged: list[int] = []

    def fill(run: RunWriter) -> None:
        for replicate in range(10_000):
            run.append(a_record(replicate=replicate))
            acknowledged.append(replicate)

    with RunWriter.create(full_disk, Manifest()) as run:
        with pytest.raises(StoreError, match="cannot write"):
            fill(run)
        data = load_frames(run.path)
    assert acknowledged
    assert data.samples["replicate"].tolist() == acknowledged
    assert data.warnings == []
