"""Fetching through a real pip from a local index: verified, once, by one run at a time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from harness.corpus import CorpusManifest, FetchStep, iter_fetch
from harness.corpus.binary import STAMP_NAME, Stamp
from harness.corpus.control import FetchControl, Stage, ignore
from harness.corpus.fetch import LOCK_NAME, iter_arrivals
from harness.errors import CorpusError
from harness.tests.corpus.conftest import ELF, manifest, pin

Publish = Callable[..., dict[str, Any]]

GO = """#!/bin/sh
# Answers like the go command: `list` prints packages, `build -v -o DIR PACKAGE...` writes programs,
# once there is a file $AWAITED.
case $GOPATH in /*) ;; *) echo "GOPATH entry is relative: $GOPATH"; exit 1 ;; esac
verb=$1
shift
if [ "$verb" = list ]; then echo runtime; exit; fi
out=$3
shift 3
echo "$FLAVOUR" >&2
while [ "$AWAITED" ] && [ ! -e "$AWAITED" ]; do sleep 0.01; done
for package; do cp "$GOROOT/src/$package" "$out"; done
"""


@pytest.fixture
def single(publish: Publish) -> CorpusManifest:
    """One wheel with one binary."""
    wheel = publish("tiny", {"tiny/lib.so": ELF})
    return manifest({"tiny": wheel}, pin("lib", wheel="tiny", member="tiny/lib.so"))


def visible(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir() if not path.name.startswith("."))


def leftovers(directory: Path) -> list[Path]:
    return list(directory.glob(".partial-*"))


def test_a_fetched_binary_is_the_pinned_one_and_a_second_fetch_downloads_nothing(
    single: CorpusManifest, tmp_path: Path, index: Path
) -> None:
    """What a killed run left behind is removed."""
    corpus = tmp_path / "corpus"
    (corpus / ".partial-dir").mkdir(parents=True)
    (corpus / ".partial-dir" / "half").write_text("half")
    (corpus / ".partial-file").write_text("half")
    first = list(iter_fetch(single, ["default"], corpus))
    assert [(one.name, one.status, one.size_bytes) for one in first] == [("lib", "ok", len(ELF))]
    assert first[0].path.read_bytes() == ELF
    assert visible(corpus) == ["lib"]
    assert not leftovers(corpus)
    for wheel in index.iterdir():
        wheel.unlink()
    steps: list[FetchStep] = []
    assert list(iter_fetch(single, ["default"], corpus, steps.append)) == first
    assert steps == []


def test_a_file_that_was_there_already_is_hashed_not_downloaded(
    single: CorpusManifest, tmp_path: Path, index: Path
) -> None:
    (tmp_path / "lib").write_bytes(ELF)
    for wheel in index.iterdir():
        wheel.unlink()
    assert [binary.status for binary in iter_fetch(single, ["default"], tmp_path)] == ["ok"]


def test_a_changed_file_is_fetched_again(publish: Publish, tmp_path: Path) -> None:
    wheel = publish("tiny", {"lib.so": ELF})
    damaged = {"spoilt": ELF[:-1] + b"?", "emptied": b""}
    pins = [pin(name, wheel="tiny", member="lib.so") for name in damaged]
    whole = manifest({"tiny": wheel}, *pins)
    for name in damaged:
        (tmp_path / name).write_bytes(ELF)
    list(iter_fetch(whole, ["default"], tmp_path))
    for name, damage in damaged.items():
        (tmp_path / name).write_bytes(damage)
    assert {one.path.read_bytes() for one in iter_fetch(whole, ["default"], tmp_path)} == {ELF}


@pytest.mark.parametrize("member", [ELF[:-1] + b"?", None], ids=["a byte changed", "absent"])
def test_a_member_that_is_not_the_pinned_one_is_refused(
    member: bytes | None, publish: Publish, tmp_path: Path
) -> None:
    wheel = publish("tiny", {"tiny/lib.so": member} if member else {})
    wrong = manifest({"tiny": wheel}, pin("lib", wheel="tiny", member="tiny/lib.so"))
    with pytest.raises(CorpusError, match=r"lib"):
        list(iter_fetch(wrong, ["default"], tmp_path / "corpus"))
    assert visible(tmp_path / "corpus") == []
    assert not leftovers(tmp_path / "corpus")


def test_a_wheel_that_is_not_the_pinned_one_is_refused(publish: Publish, tmp_path: Path) -> None:
    wheel = publish("tiny", {"tiny/lib.so": ELF}) | {"sha256": "0" * 64}
    wrong = manifest({"tiny": wheel}, pin("lib", wheel="tiny", member="tiny/lib.so"))
    with pytest.raises(CorpusError, match=r"cannot download tiny 1\.0"):
        list(iter_fetch(wrong, ["default"], tmp_path / "corpus"))


def test_one_wheel_that_cannot_be_had_does_not_stop_the_others(
    publish: Publish, tmp_path: Path, index: Path
) -> None:
    """What is missing comes last, with its reason."""
    wheels = {name: publish(name, {"lib.so": ELF}) for name in ("absent", "there")}
    (index / "absent-1.0-py3-none-any.whl").unlink()
    pins = [pin(name, wheel=name, member="lib.so") for name in wheels]
    fetched = list(iter_fetch(manifest(wheels, *pins), ["default"], tmp_path / "corpus"))
    assert [(binary.name, binary.status) for binary in fetched] == [
        ("there", "ok"),
        ("absent", "missing"),
    ]
    assert "absent 1.0" in fetched[1].detail


def test_an_unreachable_index_is_called_that(
    single: CorpusManifest, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("unreachable_index")
    with pytest.raises(CorpusError, match=r"cannot be reached: \[Errno 111\] Connection refused"):
        list(iter_fetch(single, ["default"], tmp_path / "corpus"))


def test_a_directory_that_cannot_be_made_is_an_error(
    single: CorpusManifest, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CorpusError, match="cannot write to"):
        next(iter_fetch(single, ["default"], tmp_path / "file" / "corpus"))


def test_a_damaged_stamp_is_no_stamp(single: CorpusManifest, tmp_path: Path) -> None:
    (tmp_path / "lib").write_bytes(ELF)
    list(iter_fetch(single, ["default"], tmp_path))
    (tmp_path / STAMP_NAME).write_text('{"files": 3')
    assert [binary.status for binary in iter_fetch(single, ["default"], tmp_path)] == ["ok"]
    assert Stamp.read(tmp_path).tiers == ["default"]


def test_closing_early_keeps_what_is_there_and_leaves_nothing_half_done(
    publish: Publish, tmp_path: Path
) -> None:
    wheels = {name: publish(name, {"lib.so": ELF}) for name in ("first", "second")}
    pins = [pin(name, wheel=name, member="lib.so") for name in wheels]
    whole = manifest(wheels, *pins)
    with closing(iter_fetch(whole, ["default"], tmp_path)) as fetching:
        first = next(fetching)
    assert first.path.read_bytes() == ELF
    assert not leftovers(tmp_path)
    assert {binary.status for binary in iter_fetch(whole, ["default"], tmp_path)} == {"ok"}


def test_committed_binaries_need_no_index(tmp_path: Path, index: Path) -> None:
    assert index.is_dir()
    command = [sys.executable, "-c", FETCH_SMALL, str(tmp_path / "small")]
    assert int(subprocess.run(command, check=True, capture_output=True).stdout) >= 10


FETCH_SMALL = """
import sys
from pathlib import Path
from harness.corpus import iter_fetch, pinned_manifest
fetched = list(iter_fetch(pinned_manifest(), ["small"], Path(sys.argv[1])))
print(sum(binary.is_elf for binary in fetched))
"""


def test_two_runs_at_once_both_get_everything(tmp_path: Path) -> None:
    """One waits for the other, and nothing of either is damaged."""
    command = [sys.executable, "-c", FETCH_SMALL, str(tmp_path / "small")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    outputs = {run.communicate()[0] for run in both}
    assert len(outputs) == 1
    assert outputs != {b""}
    assert not leftovers(tmp_path / "small")


@pytest.fixture
def toolchain(publish: Publish) -> dict[str, Any]:
    return publish("golang", {"go/bin/go": GO, "go/src/cmd/tool": ELF, "go/src/cmd/odd": "odd"})


def test_go_programs_are_built_by_the_toolchain_of_the_wheel(
    toolchain: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative directory is as good as an absolute one, which is what the others name."""
    monkeypatch.chdir(tmp_path)
    steps: list[FetchStep] = []
    built = manifest({"golang": toolchain}, pin("tool", wheel="golang", package="cmd/tool"))
    [binary] = iter_fetch(built, ["default"], Path("corpus"), steps.append)
    assert binary.path.read_bytes() == ELF
    assert visible(tmp_path / "corpus") == ["tool"]
    stages: list[Stage] = ["download", "unpack", "build", "ready"]
    assert list(dict.fromkeys(step.stage for step in steps)) == stages


def test_nobody_has_to_wait_for_a_build(
    toolchain: dict[str, Any], publish: Publish, tmp_path: Path
) -> None:
    """All wheels come while the programs are built, for another run of the same directory too."""
    names = ["big", "tiny"]
    wheels = {name: publish(name, {"lib.so": ELF, "more": name * 999}) for name in names}
    pins = [pin(name, wheel=name, member="lib.so") for name in names]
    tool = pin("tool", wheel="golang", package="cmd/tool")
    go_on = tmp_path / "go-on"
    environment = {"AWAITED": str(go_on)}
    everything = manifest({"golang": toolchain, **wheels}, tool, *pins, environment=environment)
    corpus, controls = tmp_path / "corpus", [FetchControl(ignore), FetchControl(ignore)]
    with (
        closing(iter_arrivals(everything, ["default"], corpus, controls[0])) as first,
        closing(iter_arrivals(everything, ["default"], corpus, controls[1])) as second,
    ):
        for arriving in (first, second):
            early = {one.name for one in islice(filter(None, arriving), 2)}
            assert (early, next(arriving)) == ({"big", "tiny"}, None)
        assert [one.is_fetching for one in controls] == [True, False]
        go_on.touch()
        for arriving in (first, second):
            assert [one.name for one in arriving if one] == ["tool"]
        assert not any(one.is_fetching for one in controls)


def test_what_is_all_there_is_had_beside_another_run_and_from_a_read_only_medium(
    single: CorpusManifest, tmp_path: Path
) -> None:
    """Nobody has to take the lock of a directory in which there is nothing to do."""
    corpus = tmp_path / "corpus"
    list(iter_fetch(single, ["default"], corpus))
    with FileLock(corpus / LOCK_NAME):
        assert [one.name for one in iter_fetch(single, ["default"], corpus)] == ["lib"]
    (corpus / LOCK_NAME).unlink(missing_ok=True)
    (corpus / LOCK_NAME).mkdir()  # as little to be opened as on a medium that is read-only
    assert [one.name for one in iter_fetch(single, ["default"], corpus)] == ["lib"]


@pytest.mark.parametrize(
    ("name", "said"),
    [("odd", "odd is not the pinned binary"), ("none", "go build failed: .*cmd/none")],
)
def test_a_go_program_that_is_not_the_pinned_one_or_cannot_be_built_is_refused(
    toolchain: dict[str, Any], tmp_path: Path, name: str, said: str
) -> None:
    wrong = manifest({"golang": toolchain}, pin(name, wheel="golang", package=f"cmd/{name}"))
    with pytest.raises(CorpusError, match=said):
        list(iter_fetch(wrong, ["default"], tmp_path))


def test_a_toolchain_for_another_machine_is_not_even_downloaded(
    toolchain: dict[str, Any], tmp_path: Path
) -> None:
    steps: list[FetchStep] = []
    tool = pin("tool", wheel="golang", package="cmd/tool")
    foreign = manifest({"golang": toolchain}, tool, machine="pdp11")
    with pytest.raises(CorpusError, match="runs on linux pdp11"):
        list(iter_fetch(foreign, ["default"], tmp_path, steps.append))
    assert "download" not in {step.stage for step in steps}
