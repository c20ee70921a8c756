"""A baseline is a sound run under a seal: what is not sound is refused, what was touched too."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs, to_builtins

from harness.errors import StoreError
from harness.loading import load_frames
from harness.records import VERIFY
from harness.store import INTERRUPTED, RunWriter, read_manifest, read_run
from harness.store.baseline import Bound, open_baseline, promote, replace_bounds
from harness.store.files import files_of
from harness.store.manifest import write_manifest
from harness.store.reader import RECORDS
from harness.store.seal import SEAL
from harness.tests.store.records import a_record
from harness.tests.store.sound_run import MANIFEST, PEAK, a_manifest, records, sound_run

PEAKS = {"legacy": [9e6], "streaming": [1e6]}


@pytest.fixture
def baseline(tmp_path: Path) -> Path:
    return promote(sound_run(tmp_path / "runs"), tmp_path / "results" / "baseline").path


def a_bound(**changes: Any) -> Bound:
    bound = Bound(
        experiment="e",
        check="peak",
        suite="s",
        series=PEAK,
        upper_bound=1_050_000.0,
        observed=1_000_000,
        margin_pct=5.0,
        replicates=2,
        run="r",
    )
    return structs.replace(bound, **changes)


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


def test_a_promoted_run_is_read_like_any_run_and_says_where_it_is_from(
    tmp_path: Path, baseline: Path
) -> None:
    opened = open_baseline(baseline)
    (original,) = (tmp_path / "runs").iterdir()
    kept = [
        structs.replace(record, collections=[], timeline=[])
        for record in read_run(original).records
    ]
    assert opened.run.records == kept
    assert opened.seal.run_id == original.name
    assert opened.seal.commit == MANIFEST["commit"]
    assert opened.seal.command == MANIFEST["command"]
    assert opened.bounds == ()


def test_no_path_of_this_machine_goes_into_it(baseline: Path) -> None:
    assert b"/nowhere" not in b"".join(contents(baseline).values())


def test_what_only_pictures_need_is_left_out_but_not_forgotten(
    tmp_path: Path, baseline: Path
) -> None:
    (original,) = (tmp_path / "runs").iterdir()
    assert not any(one.timeline or one.collections for one in read_run(baseline).records)
    sizes = {name: file.size_bytes for name, file in files_of(baseline).items()}
    assert sizes.keys() == files_of(original).keys()
    assert sizes["results/records.jsonl"] == (original / RECORDS).stat().st_size
    assert sizes["results/records.jsonl"] > (baseline / RECORDS).stat().st_size


def _edit(directory: Path) -> None:
    path = directory / "records.jsonl"
    path.write_bytes(path.read_bytes().replace(b"9000000.0", b"8000000.0", 1))


def _swap(directory: Path) -> None:
    seal = json.loads((directory / SEAL).read_bytes())
    files = seal["files"]
    files[RECORDS], files["manifest.json"] = files["manifest.json"], files[RECORDS]
    (directory / SEAL).write_text(json.dumps(seal))


def _link(directory: Path) -> None:
    away = directory.parent / "away"
    (directory / "records.jsonl").rename(away)
    (directory / "records.jsonl").symlink_to(away)


def _stand_in(directory: Path) -> None:
    (directory / "records.jsonl").unlink()
    (directory / "records.jsonl").mkdir()


def _rename_run(directory: Path) -> None:
    seal = json.loads((directory / SEAL).read_bytes())
    (directory / SEAL).write_text(json.dumps({**seal, "run_id": "another"}))


TAMPERING: dict[str, tuple[Callable[[Path], Any], str]] = {
    "an edited value": (_edit, "records.jsonl was changed"),
    "a line less": (
        lambda d: (d / "records.jsonl").write_bytes(
            b"\n".join((d / "records.jsonl").read_bytes().split(b"\n")[1:])
        ),
        "records.jsonl was changed",
    ),
    "a line more": (
        lambda d: (d / RECORDS).write_bytes((d / RECORDS).read_bytes() + b"{}\n"),
        "records.jsonl was changed",
    ),
    "a removed file": (lambda d: (d / RECORDS).unlink(), "records.jsonl is missing"),
    "an added file": (lambda d: (d / "timeline.jsonl").touch(), "timeline.jsonl was added"),
    "an added hidden file": (lambda d: (d / ".note").touch(), ".note was added"),
    "an added directory": (lambda d: (d / "plots").mkdir(), "plots is not a regular file"),
    "bounds by hand": (lambda d: (d / "bounds.json").write_text("[]"), "bounds.json was added"),
    "a link to the same bytes": (_link, "records.jsonl is not a regular file"),
    "a directory instead": (_stand_in, "records.jsonl is not a regular file"),
    "a pipe": (lambda d: os.mkfifo(d / "pipe"), "pipe is not a regular file"),
    "swapped digests": (_swap, "records.jsonl was changed"),
    "another run's name": (_rename_run, "its seal is that of another run"),
    "no seal": (lambda d: (d / SEAL).unlink(), "is not a baseline"),
    "half a seal": (lambda d: os.truncate(d / SEAL, 100), "is damaged"),
    "a key more in the seal": (
        lambda d: (d / SEAL).write_bytes((d / SEAL).read_bytes().replace(b"{", b'{"x": 1,', 1)),
        "is damaged",
    ),
    "a seal of another format": (
        lambda d: (d / SEAL).write_bytes(
            (d / SEAL).read_bytes().replace(b'"format": 2', b'"format": 3')
        ),
        "format 3 cannot be read",
    ),
    "another manifest": (
        lambda d: write_manifest(d, structs.replace(read_manifest(d), rig_fingerprint="mine")),
        "manifest.json was changed",
    ),
}


@pytest.mark.parametrize(("tamper", "said"), TAMPERING.values(), ids=TAMPERING)
def test_a_baseline_that_was_touched_is_not_opened(
    baseline: Path, tamper: Callable[[Path], Any], said: str
) -> None:
    tamper(baseline)
    with pytest.raises(StoreError, match=said) as caught:
        open_baseline(baseline)
    assert caught.value.remedy


def test_all_faults_are_named_together(baseline: Path) -> None:
    _edit(baseline)
    (baseline / "manifest.json").unlink()
    (baseline / "more").touch()
    with pytest.raises(StoreError, match=r"more was added; .*missing; records.jsonl was changed"):
        open_baseline(baseline)


def written(tmp_path: Path, *more: Any, **manifest: Any) -> Path:
    with RunWriter.create(tmp_path / "runs", a_manifest(**manifest)) as writer:
        for record in (*records({"run_id": writer.run_id}, PEAKS), *more):
            writer.append(record)
        return writer.path


def _nothing(tmp_path: Path) -> Path:
    with RunWriter.create(tmp_path / "runs", a_manifest()) as writer:
        return writer.path


def _damaged(tmp_path: Path) -> Path:
    path = sound_run(tmp_path / "runs")
    lines = (path / "records.jsonl").read_bytes().split(b"\n")
    (path / "records.jsonl").write_bytes(b"\n".join([lines[0][:-5], *lines[1:]]))
    return path


def _torn(tmp_path: Path) -> Path:
    path = sound_run(tmp_path / "runs")
    os.truncate(path / RECORDS, (path / RECORDS).stat().st_size - 3)
    return path


def _without(tmp_path: Path, arm: str, probe: str) -> Path:
    path = sound_run(tmp_path / "runs")
    kept = [one for one in read_run(path).records if (one.job.arm, one.job.probe) != (arm, probe)]
    (path / RECORDS).write_bytes(msgspec.json.Encoder().encode_lines(kept))
    return path


def _valued(tmp_path: Path, value: float) -> Path:
    more = a_record(probe="peak", arm="legacy", replicate=7, order=7)
    return written(tmp_path, structs.replace(more, values={PEAK: value}))


def _wider(tmp_path: Path) -> Path:
    more = a_record(probe="peak", arm="legacy", replicate=7, order=7)
    return written(tmp_path, structs.replace(more, values={"wall": 1.0}))


def _mismatched(tmp_path: Path) -> Path:
    other = structs.replace(a_record(probe=VERIFY, arm="legacy"), digest="other")
    return written(tmp_path, other)


def _with_manifest(tmp_path: Path, **changes: Any) -> Path:
    path = sound_run(tmp_path / "runs")
    (path / "manifest.json").write_text(json.dumps({**to_builtins(read_manifest(path)), **changes}))
    return path


UNSOUND: dict[str, tuple[Callable[[Path], Path], str]] = {
    "interrupted": (lambda t: written(t, state=INTERRUPTED),
                    r"did not reach its end \(state: interrupted\)"),
    "of unknown state": (lambda t: written(t, state=""),
                         r"did not reach its end \(state: unknown\)"),
    "a manifest with a key of its own": (lambda t: _with_manifest(t, mine=1),
                                         "its manifest is damaged: .*mine"),
    "a manifest of other types": (lambda t: _with_manifest(t, corpus=7),
                                  "its manifest is damaged: Expected"),
    "a sweep": (lambda t: written(t, kind="sweep"), "it is a sweep"),
    "code changed": (lambda t: written(t, warnings=["the code changed"]), "the code changed"),
    "a failed replicate": (lambda t: written(t, a_record("oom", replicate=8)),
                           r"1 replicate failed: libelf \(legacy, memray\): oom"),
    "a failed verification": (lambda t: written(t, a_record("rejected", probe=VERIFY)),
                              "1 replicate failed"),
    "nothing measured": (_nothing, "nothing was measured"),
    "no plan": (lambda t: written(t, options={}), "does not say what was asked for"),
    "a binary not measured": (
        lambda t: written(
            t,
            corpus=[
                *MANIFEST["corpus"],
                {"name": "go", "path": "/x/go", "sha256": "", "size_bytes": 1},
            ],
        ),
        "not measured: go replay legacy, go replay streaming",
    ),
    "an arm not measured": (lambda t: _without(t, "streaming", "peak"),
                            "not measured: libelf replay streaming"),
    "a metric of one arm only": (_wider, "not every arm has wall"),
    "no number": (lambda t: _valued(t, math.nan), r"records.jsonl: line 5 is damaged"),
    "a negative number": (lambda t: _valued(t, -1.0), "no measurement: 1 value below zero"),
    "other scopes": (_mismatched, "different scopes for libelf replay"),
    "unverified": (lambda t: _without(t, "legacy", VERIFY),
                   "nobody checked what was delivered by libelf replay legacy"),
    "a damaged line": (_damaged, "line 1 is damaged"),
    "a torn line": (_torn, "is torn"),
    "no run": (lambda t: t, "is this a run directory"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "said"), UNSOUND.values(), ids=UNSOUND)
def test_what_lacks_anything_is_not_promoted_and_the_old_one_stays(
    tmp_path: Path, baseline: Path, make: Callable[[Path], Path], said: str
) -> None:
    before = contents(baseline)
    unsound = make(tmp_path / "other")
    (tmp_path / "other").mkdir(exist_ok=True)
    with pytest.raises(StoreError, match=said) as caught:
        promote(unsound, baseline)
    assert caught.value.remedy
    assert contents(baseline) == before
    assert [path.name for path in baseline.parent.iterdir()] == ["baseline"]


def test_a_new_run_replaces_the_whole_old_one_but_its_bounds(
    tmp_path: Path, baseline: Path
) -> None:
    replace_bounds(open_baseline(baseline), [a_bound()])
    new = sound_run(tmp_path / "more", {"legacy": [5e6], "streaming": [4e6]})
    promoted = promote(new, baseline)
    assert promoted.seal.run_id == new.name
    assert load_frames(baseline).samples["value"].tolist() == [5e6, 4e6]
    assert promoted.bounds == (a_bound(),)
    assert [path.name for path in baseline.parent.iterdir()] == ["baseline"]


def test_bounds_are_kept_under_the_seal_and_sorted(baseline: Path) -> None:
    bounds = [a_bound(check="b"), a_bound(check="a"), a_bound(experiment="d")]
    kept = replace_bounds(open_baseline(baseline), bounds).bounds
    assert [(b.experiment, b.check) for b in kept] == [("d", "peak"), ("e", "a"), ("e", "b")]
    path = baseline / "bounds.json"
    path.write_text(path.read_text().replace("1050000.0", "9050000.0"))
    with pytest.raises(StoreError, match=r"bounds.json was changed"):
        open_baseline(baseline)


def test_one_check_has_one_bound(baseline: Path) -> None:
    before = contents(baseline)
    with pytest.raises(StoreError, match="'peak' of 'e' has two bounds"):
        replace_bounds(open_baseline(baseline), [a_bound(), a_bound(upper_bound=1.0)])
    assert contents(baseline) == before


def test_bounds_of_a_baseline_that_was_touched_are_not_taken_over(
    tmp_path: Path, baseline: Path
) -> None:
    _edit(baseline)
    with pytest.raises(StoreError, match=r"records\.jsonl was changed"):
        promote(sound_run(tmp_path / "more"), baseline)
    shutil.rmtree(baseline)
    promote(sound_run(tmp_path / "more"), baseline)


def test_what_is_no_baseline_is_not_replaced(tmp_path: Path) -> None:
    """A directory of runs, named by mistake, would be lost."""
    run = sound_run(tmp_path / "runs")
    with pytest.raises(StoreError, match="not a baseline"):
        promote(run, tmp_path / "runs")
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="not a baseline"):
        promote(run, tmp_path / "file")
    assert run.exists()
    (tmp_path / "empty").mkdir()
    assert promote(run, tmp_path / "empty").seal.run_id == run.name


def test_when_the_place_cannot_be_written_the_old_one_stays(
    tmp_path: Path, baseline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rename that the file system refuses: permissions mean nothing to a test run as root."""
    before, real = contents(baseline), Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if ".new-" in self.name:
            raise OSError(28, "No space left on device")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(StoreError, match="No space left"):
        promote(sound_run(tmp_path / "more"), baseline)
    assert contents(baseline) == before
    assert [path.name for path in baseline.parent.iterdir()] == ["baseline"]
