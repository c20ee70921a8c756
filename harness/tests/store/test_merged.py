"""A pool is a run like any other, and only of runs that measured the same thing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import StoreError
from harness.loading import load_frames
from harness.store import COMPLETE, INTERRUPTED, RunWriter
from harness.store.merged import merge_runs
from harness.tests.store import sound_run
from harness.tests.store.records import a_record

MakeRun = Callable[..., Path]

MANIFEST: dict[str, Any] = {
    "rig": {"cpus": 2},
    "rig_fingerprint": "feed",
    "options": {"seed": 1, "replicates": {"memray": 2}, "timeout_s": 900.0},
    "corpus": sound_run.MANIFEST["corpus"],
    "not_measured": ["gofmt: no compiler"],
    "finished_at": "2026-01-01T00:00:00+00:00",
    "elapsed_s": 2.5,
}


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Return a function that stores two replicates of one cell, with a manifest changed here."""

    def make(status: str = "ok", **changes: Any) -> Path:
        manifest = sound_run.a_manifest(**{**MANIFEST, **changes})
        with RunWriter.create(tmp_path / "runs", manifest) as writer:
            for replicate in range(2):
                job = {"run_id": writer.run_id, "replicate": replicate, "order": replicate}
                writer.append(a_record(status, **job))
            return writer.path

    return make


def pool(tmp_path: Path, *runs: Path) -> Path:
    return merge_runs(runs, tmp_path / "pools", "python -m harness merge ...")


def test_every_replicate_of_every_run_is_there_once(tmp_path: Path, make_run: MakeRun) -> None:
    runs = [make_run(), make_run(), make_run()]
    data = load_frames(pool(tmp_path, *runs))
    assert data.samples["replicate"].tolist() == [0, 1, 2, 3, 4, 5]
    assert data.samples["order"].tolist() == [0, 1, 2, 3, 4, 5]
    assert set(data.samples["run_id"]) == {data.manifest.run_id}
    assert data.samples["value"].tolist() == [4096.0] * 6
    assert data.batches.groupby("replicate").size().tolist() == [2] * 6
    assert data.copies["replicate"].tolist() == sorted(list(range(6)) * 2)
    assert data.manifest.pooled == [run.name for run in runs]
    assert data.warnings == []


def test_the_manifest_says_what_all_of_them_were(tmp_path: Path, make_run: MakeRun) -> None:
    later = "2026-01-01T01:00:00+00:00"
    other = {**MANIFEST["options"], "seed": 2}
    runs = [make_run(), make_run(options=other, finished_at=later)]
    manifest = load_frames(pool(tmp_path, *runs)).manifest
    assert manifest.state == COMPLETE
    assert manifest.options.replicates == {"memray": 4}
    assert manifest.elapsed_s == 5.0
    assert manifest.finished_at == later
    assert manifest.not_measured == MANIFEST["not_measured"]
    assert manifest.commit == sound_run.MANIFEST["commit"]


def test_failed_replicates_stay_failed(tmp_path: Path, make_run: MakeRun) -> None:
    data = load_frames(pool(tmp_path, make_run(), make_run("crashed")))
    assert data.samples["status"].tolist() == ["ok", "ok", "crashed", "crashed"]
    assert data.failures["replicate"].tolist() == [2, 3]


def test_a_pool_can_be_pooled_again_but_not_with_what_is_in_it(
    tmp_path: Path, make_run: MakeRun
) -> None:
    first = make_run()
    both = pool(tmp_path, first, make_run())
    assert len(load_frames(pool(tmp_path, both, make_run())).manifest.pooled) == 3
    with pytest.raises(StoreError, match="is given twice"):
        pool(tmp_path, both, first)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": INTERRUPTED}, "did not reach its end"),
        ({"commit": "bbbb"}, "is unlike .*: commit bbbb, not "),
        ({"dirty": True}, "dirty True, not False"),
        ({"kind": "sweep"}, "kind sweep, not run"),
        ({"code_sha256": "cafe"}, "other code of harness"),
        ({"rig_fingerprint": "f00d"}, "another rig"),
        ({"plugins": {"x:run": "f00d"}}, "other code of x:run"),
        ({"options": {"seed": 1, "timeout_s": 1.0}}, r"other options\.timeout_s"),
        ({"corpus": [{**MANIFEST["corpus"][0], "sha256": "cd" * 32}]}, "another corpus"),
        ({"warnings": ["the code changed"]}, "cannot be merged: the code changed"),
    ],
    ids=str,
)
def test_what_does_not_belong_together_is_refused_and_nothing_is_written(
    tmp_path: Path, make_run: MakeRun, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(StoreError, match=said):
        pool(tmp_path, make_run(), make_run(**changes))
    assert not (tmp_path / "pools").exists()


def test_all_that_are_unlike_the_first_are_named_and_the_reasons_of_one(
    tmp_path: Path, make_run: MakeRun
) -> None:
    versions = {**sound_run.MANIFEST["versions"], "memray": "1.19.0"}
    alike, *odd = (make_run(), *(make_run(versions=versions) for _ in range(3)))
    with pytest.raises(StoreError) as refused:
        pool(tmp_path, alike, make_run(), *odd)
    why = f"{odd[0]} is unlike {alike}: memray 1.19.0, not 1.20.0; so are {odd[1]}, {odd[2]} — "
    assert str(refused.value).startswith(why)


def test_one_run_is_no_pool(tmp_path: Path, make_run: MakeRun) -> None:
    with pytest.raises(StoreError, match="two runs or more"):
        pool(tmp_path, make_run())


def test_a_damaged_run_is_refused(tmp_path: Path, make_run: MakeRun) -> None:
    torn = make_run()
    with (torn / "records.jsonl").open("ab") as file:
        file.write(b'{"run_id": "x"')
    with pytest.raises(StoreError, match="is torn"):
        pool(tmp_path, make_run(), torn)


def test_a_promoted_baseline_is_refused(tmp_path: Path, make_run: MakeRun) -> None:
    """Pooling would launder what its seal no longer covers."""
    sealed = make_run()
    (sealed / "digests.json").write_text("{}")
    with pytest.raises(StoreError, match="is a promoted baseline"):
        pool(tmp_path, make_run(), sealed)


SHARDS = [
    {"shard": f"{k}/2", "corpus": [{**MANIFEST["corpus"][0], "name": f"b{k}"}]} for k in (1, 2)
]


def test_shards_are_one_run_over_all_their_binaries(tmp_path: Path, make_run: MakeRun) -> None:
    data = load_frames(pool(tmp_path, *(make_run(**shard) for shard in SHARDS)))
    assert [one.name for one in data.manifest.corpus] == ["b1", "b2"]
    assert data.samples["replicate"].tolist() == [0, 1, 0, 1]
    assert data.samples["order"].tolist() == [0, 1, 2, 3]
    assert data.manifest.options.replicates == {"memray": 2}
    assert (data.manifest.shards, data.manifest.rigs) == (2, {})


def test_shards_from_two_machines_say_of_each_record_where_it_is_from(
    tmp_path: Path, make_run: MakeRun
) -> None:
    here, there = SHARDS
    rig = {"cpus": 8}
    data = load_frames(
        pool(tmp_path, make_run(**here), make_run(**there, rig=rig, rig_fingerprint="f00d"))
    )
    assert data.samples["rig"].tolist() == ["feed"] * 2 + ["f00d"] * 2
    assert data.manifest.rigs == {"feed": {"cpus": 2}, "f00d": rig}
    assert (data.manifest.rig, data.manifest.rig_fingerprint) == ({}, "")


@pytest.mark.parametrize(
    ("shards", "said"),
    [
        ([{"shard": "1/3"}, {"shard": "3/3"}], r"shards are missing: 2/3 \(about 1 binary\)"),
        ([{"shard": "1/40"}, {"shard": "40/40"}], r"21/40 and 18 more \(about 38 binaries\)"),
        ([{"shard": "1/2"}, {"shard": ""}], "not shards of one run: 1/2, no shard"),
        ([{"shard": "1/2"}, {"shard": "2/3"}], "not shards of one run: 1/2, 2/3"),
        (
            [{"shard": "1/2"}, {"shard": "2/2", "rig": {"machine": "arm64"}}],
            "machine arm64, not unknown",
        ),
        ([{"shard": "1/2"}, {"shard": "2/2", "versions": {}}], "python none, not "),
        ([{"shard": "1/2"}, {"shard": "2/2", "shard_of": "cd"}], "part of another corpus"),
    ],
    ids=str,
)
def test_shards_that_are_not_one_run_are_refused(
    tmp_path: Path, make_run: MakeRun, shards: list[dict[str, Any]], said: str
) -> None:
    with pytest.raises(StoreError, match=said):
        pool(tmp_path, *(make_run(**shard) for shard in shards))
