"""`harness report --html` as a user runs it: one file, with what lies beside the run linked."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from harness.records import Record
from harness.store.reader import RECORDS, StoredRecords
from harness.tests.cli.conftest import Harness
from harness.tests.reports.golden_files import RUN


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Return a copy of the stored run, to be damaged."""
    return shutil.copytree(RUN, tmp_path / "run")


def flame(path: str, arms: tuple[str, ...] = ("legacy",)) -> dict[str, object]:
    return {"binary": "big.so", "source": "dwarf", "arms": list(arms), "path": path}


def test_the_page_is_written_and_links_only_flame_graphs_that_are_there(
    inside: Harness, run: Path, tmp_path: Path
) -> None:
    (run / "flame").mkdir()
    (run / "flame" / "0000 odd#name.html").touch()
    (tmp_path / "outside.html").touch()
    manifest = json.loads((run / "manifest.json").read_text())
    paths = ("flame/0000 odd#name.html", "flame/gone.html", "../outside.html", "javascript:alert")
    manifest["flame"] = [flame(path, (f"arm {path}",)) for path in paths]
    (run / "manifest.json").write_text(json.dumps(manifest))
    (run / "gate").mkdir()
    (run / "gate" / "report.json").write_text('{"schema": 1, "decision": "pass"')
    done = inside("report", run, "--html", "--output", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    page = Path(json.loads(done.stdout)["files"]["page"])
    assert page == tmp_path / "out" / "report.html"
    text = page.read_text(encoding="utf-8")
    outward = [href for href in re.findall(r'href="([^"]*)"', text) if href[0] != "#"]
    assert outward == ["../run/flame/0000%20odd%23name.html"]
    assert "No decision of a gate" in text


def test_a_sealed_run_is_reported_elsewhere_only(inside: Harness, run: Path) -> None:
    (run / "digests.json").write_text("{}")
    before = sorted(run.iterdir())
    done = inside("report", run, "--html")
    assert done.returncode == 2
    assert "--output" in done.stderr
    assert sorted(run.iterdir()) == before


def test_a_place_that_cannot_be_written_is_named_in_one_line(
    inside: Harness, tmp_path: Path
) -> None:
    taken = tmp_path / "taken"
    taken.touch()
    done = inside("report", RUN, "--html", "--output", taken)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "taken" in done.stderr
    assert "--output" in done.stderr


def test_collections_are_printed_a_line_each_and_nothing_is_written(
    inside: Harness, run: Path
) -> None:
    before = sorted(run.iterdir())
    done = inside("report", run, "--gc-trace")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    first = lines.index("# big.so, source dwarf, legacy, replicate 0")
    assert lines[first + 1] == (
        "gc 1 @0.000s gen0: 33.3->26.7 MiB, 1.0 ms, 1 collected, 0 uncollectable"
    )
    stored = sum(len(record.collections) for record in StoredRecords(run, []))
    assert len([line for line in lines if line.startswith("gc ")]) == stored
    assert sorted(run.iterdir()) == before


def rewrite(run: Path, *records: Record) -> None:
    (run / RECORDS).write_bytes(msgspec.json.Encoder().encode_lines(records))


def test_a_trace_that_lost_collections_says_so(inside: Harness, run: Path) -> None:
    """A replicate under the probe has its heading even where nothing is left of its trace."""
    record = next(one for one in StoredRecords(run, []) if one.collections)
    count = len(record.collections)
    rewrite(run, structs.replace(record, collections=[]))
    lost = inside("report", run, "--gc-trace")
    job = record.job
    heading = f"# {job.binary}, source {job.source}, {job.arm}, replicate 0"
    assert lost.stdout.splitlines() == [heading]
    assert f"{heading}: 0 collections are stored, {count} were counted" in lost.stderr
    rewrite(run, structs.replace(record, collections=[], values={"gc_runs": 0}))
    none = inside("report", run, "--gc-trace")
    assert (none.stdout.splitlines(), none.stderr) == ([heading], "")


def test_a_damaged_record_ends_the_trace_and_a_torn_one_is_left_out_aloud(
    inside: Harness, run: Path
) -> None:
    records = run / RECORDS
    whole = records.read_bytes()
    records.write_bytes(whole[:-10])
    torn = inside("report", run, "--gc-trace")
    assert torn.returncode == 0
    assert "torn" in torn.stderr
    records.write_bytes(b"{}\n" + whole)
    damaged = inside("report", run, "--gc-trace")
    assert (damaged.returncode, damaged.stdout) == (2, "")
    assert "line 1 is damaged" in damaged.stderr


def test_a_run_without_the_probe_says_how_to_get_a_trace(inside: Harness, run: Path) -> None:
    rewrite(run)
    done = inside("report", run, "--gc-trace")
    assert done.returncode == 2
    assert "--probe gc" in done.stderr
