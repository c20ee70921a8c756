"""Tables that were kept are those a fresh reading gives, and never those of another run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from harness.errors import StoreError
from harness.loading import load_frames
from harness.stats.frames import COLUMNS, Frames
from harness.store import load
from harness.store.baseline import promote
from harness.tests.store.sound_run import sound_run

PEAKS = {"legacy": [9e6, 9e6], "streaming": [1e6, 1e6]}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return sound_run(tmp_path / "results", PEAKS)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def assert_same(found: Frames, expected: Frames) -> None:
    assert found.manifest == expected.manifest
    for table in COLUMNS:
        assert_frame_equal(getattr(found, table), getattr(expected, table))


def test_kept_tables_are_those_of_a_fresh_reading(run: Path, cache: Path) -> None:
    fresh = Frames.of(load(run))
    assert_same(load_frames(run, cache=cache), fresh)
    kept = {path.name: path.stat().st_mtime_ns for path in cache.iterdir()}
    assert {name.split("-")[0] for name in kept} > {"samples", "batches", "timeline"}
    assert_same(load_frames(run, cache=cache), fresh)
    assert {path.name: path.stat().st_mtime_ns for path in cache.iterdir()} == kept


def test_the_kept_table_is_what_is_read(run: Path, cache: Path) -> None:
    load_frames(run, cache=cache)
    (kept,) = cache.glob("samples-*")
    pd.read_parquet(kept).head(1).to_parquet(kept, index=False)
    assert len(load_frames(run, cache=cache).samples) == 1


def test_a_run_that_changed_is_read_anew_even_if_size_and_time_are_the_same(
    run: Path, cache: Path
) -> None:
    load_frames(run, cache=cache)
    samples = run / "samples.jsonl"
    before = samples.stat()
    samples.write_bytes(samples.read_bytes().replace(b"9000000.0", b"8000000.0"))
    assert samples.stat().st_size == before.st_size
    os.utime(samples, ns=(before.st_atime_ns, before.st_mtime_ns))
    again = load_frames(run, cache=cache).samples
    assert sorted(again["value"].dropna().unique()) == [1e6, 8e6]


def test_a_torn_line_is_said_each_time(run: Path, cache: Path) -> None:
    with (run / "samples.jsonl").open("ab") as file:
        file.write(b'{"run_id": "torn')
    for _ in range(2):
        assert any("torn" in warning for warning in load(run, cache=cache).warnings)


def test_a_damaged_line_is_refused_each_time(run: Path, cache: Path) -> None:
    with (run / "samples.jsonl").open("ab") as file:
        file.write(b"{}\n")
    for _ in range(2):
        with pytest.raises(StoreError, match="damaged"):
            load_frames(run, cache=cache)


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"not Parquet at all"])
def test_a_damaged_cache_costs_time_only(run: Path, cache: Path, damage: bytes) -> None:
    fresh = load_frames(run, cache=cache)
    for kept in cache.iterdir():
        kept.write_bytes(damage)
    assert_same(load_frames(run, cache=cache), fresh)
    assert all(path.stat().st_size > 100 for path in cache.iterdir())


def test_a_cache_that_cannot_be_written_does_no_harm(run: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert_same(load_frames(run, cache=tmp_path / "file" / "cache"), Frames.of(load(run)))


def test_without_pyarrow_there_is_no_cache(
    run: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # what importing a missing package does
    assert_same(load_frames(run, cache=cache), Frames.of(load(run)))
    assert list(cache.iterdir()) == []


def test_a_baseline_stays_sealed_when_it_is_read_and_fails_closed_when_touched(
    run: Path, cache: Path, tmp_path: Path
) -> None:
    promote(run, tmp_path / "baseline")
    for _ in range(2):
        assert len(load_frames(tmp_path / "baseline", cache=cache).samples)
    with (tmp_path / "baseline" / "samples.jsonl").open("ab") as file:
        file.write(b"\n")
    with pytest.raises(StoreError):
        load_frames(tmp_path / "baseline", cache=cache)


def test_the_cache_of_a_user_is_where_such_things_go(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "mine"))
    load_frames(str(run))
    assert list((tmp_path / "mine" / "harness" / "tables").glob("samples-*.parquet"))
