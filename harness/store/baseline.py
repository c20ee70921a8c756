"""The baseline: a run that was promoted to be what others are compared with, under a seal."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field, structs

from harness.errors import StoreError, failing_as
from harness.store.manifest import sync_directory, write_manifest
from harness.store.reader import LARGE, RECORDS, Run, read_run
from harness.store.seal import (
    SEAL_FORMAT,
    Seal,
    SealedFile,
    describe,
    is_sealed,
    verify_seal,
    write_seal,
)
from harness.store.soundness import refuse_objections
from harness.text import json_bytes, repeated

BOUNDS = "bounds.json"

SCHEMA = "harness.baseline/2"


class Bound(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An upper bound for one check of one experiment of a suite, and where it comes from.

    `observed` is the largest value that `run` measured in that many `replicates`, and the bound
    is `margin_pct` above it. `environment`, stored as `surroundings`, is what else values depend
    on, such as the version of Python and, for times, the machine: elsewhere the bound says nothing.
    """

    experiment: str
    check: str
    suite: str = ""
    series: str
    upper_bound: float
    observed: float
    margin_pct: float
    replicates: int
    run: str
    environment: dict[str, str] = field(default_factory=dict, name="surroundings")


class Baseline(Struct, frozen=True, kw_only=True):
    """A promoted run of which every byte is as it was promoted, and the bounds ratcheted since."""

    run: Run
    seal: Seal
    bounds: tuple[Bound, ...]

    @property
    def path(self) -> Path:
        """The directory."""
        return self.run.path


class BaselineDocument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `--json` of `harness baseline show` and `promote` prints.

    `dirty` is null when nobody knows whether the checkout differed from its commit. `counts_here`
    holds for each metric what differs on this machine: nothing means that its values count.
    """

    schema: str = SCHEMA
    run_id: str
    commit: str
    dirty: bool | None
    command: str
    promoted_at: str
    versions: dict[str, str]
    rig: dict[str, str | int]
    experiments: int
    files: dict[str, SealedFile]
    left_out: tuple[str, ...]
    counts_here: dict[str, list[str]]
    bounds: tuple[Bound, ...]


def open_baseline(path: Path) -> Baseline:
    """Read the baseline in a directory, if nothing in it was touched.

    Raises:
        StoreError: There is none, or a file was changed, removed, added or swapped.
    """
    seal = verify_seal(path)
    return Baseline(run=read_run(path), seal=seal, bounds=read_bounds(path))


def promote(run_dir: Path, baseline_dir: Path) -> Baseline:
    """Make a run the baseline; the one before is replaced whole, but for its bounds, which stay.

    Paths of binaries are shortened: others have them elsewhere, and digests say which they are.

    Raises:
        StoreError: The run lacks something, either directory cannot be read or written, or the
            baseline before was tampered with: its bounds are not taken over then.
    """
    run = read_run(run_dir)
    refuse_objections(run, StoreError, "cannot be a baseline")
    bounds = _bounds_before(baseline_dir)
    with _replacing(baseline_dir) as staged:
        _write_records(run, staged)
        corpus = [structs.replace(one, path=_short(one.path)) for one in run.manifest.corpus]
        write_manifest(staged, structs.replace(run.manifest, corpus=corpus, promoted=True))
        if bounds:
            write_bounds(staged, bounds)
        write_seal(staged, _seal_of(run, staged))
    return open_baseline(baseline_dir)


def _write_records(run: Run, staged: Path) -> None:
    nothing: dict[str, Any] = {name: [] for name in LARGE}
    kept = [structs.replace(record, **nothing) for record in run.records]
    (staged / RECORDS).write_bytes(msgspec.json.Encoder().encode_lines(kept))


def _bounds_before(baseline_dir: Path) -> tuple[Bound, ...]:
    """Return the bounds of the baseline that is to be replaced; nothing else is ever replaced."""
    if is_sealed(baseline_dir):
        return open_baseline(baseline_dir).bounds
    if baseline_dir.exists() and not (baseline_dir.is_dir() and not any(baseline_dir.iterdir())):
        raise StoreError(
            f"{baseline_dir} exists and is not a baseline: it would be overwritten",
            remedy="name another directory",
        )
    return ()


def replace_bounds(baseline: Baseline, bounds: Sequence[Bound]) -> Baseline:
    """Put other bounds beside the same run, under a new seal.

    Raises:
        StoreError: A check has two bounds, or the directory cannot be written.
    """
    with _replacing(baseline.path) as staged:
        for name in baseline.seal.files:
            if name != BOUNDS:
                shutil.copyfile(baseline.path / name, staged / name)
        write_bounds(staged, bounds)
        read_bounds(staged)  # what could not be read back must not replace anything
        write_seal(staged, structs.replace(baseline.seal, files=_files_of(staged)))
    return open_baseline(baseline.path)


def _seal_of(run: Run, staged: Path) -> Seal:
    return Seal(
        format=SEAL_FORMAT,
        run_id=run.manifest.run_id,
        commit=run.manifest.commit,
        command=run.manifest.command,
        promoted_at=datetime.now(UTC).isoformat(timespec="seconds"),
        files=_files_of(staged),
        left_out=LARGE,
        records_bytes=(run.path / RECORDS).stat().st_size,
    )


def _files_of(staged: Path) -> dict[str, SealedFile]:
    return {path.name: describe(path) for path in sorted(staged.iterdir())}


def _short(path: str) -> str:
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else Path(path).name


@contextmanager
def _replacing(directory: Path) -> Iterator[Path]:
    """Give an empty directory to fill, and put it in the place of `directory` when it is full.

    A reader meets the old one, for a moment none, or the new one; never a part of either. When
    anything fails the old one is where it was.
    """
    directory = directory.absolute()
    staged = directory.with_name(f".{directory.name}.new-{os.getpid()}")
    aside = directory.with_name(f".{directory.name}.old-{os.getpid()}")
    unchanged = "the previous baseline is unchanged"
    with failing_as(StoreError, f"cannot write {directory}", unchanged):
        try:
            staged.mkdir(parents=True)
            yield staged
            for path in staged.iterdir():
                with path.open("rb") as file:
                    os.fsync(file.fileno())
            sync_directory(staged)
            if directory.exists():
                directory.rename(aside)
            try:
                staged.rename(directory)
            except BaseException:  # Ctrl-C too
                if aside.exists():
                    aside.rename(directory)
                raise
            sync_directory(directory.parent)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
    shutil.rmtree(aside, ignore_errors=True)


def read_bounds(directory: Path) -> tuple[Bound, ...]:
    """Return the ratcheted bounds of a baseline; none when nothing was ratcheted.

    Raises:
        StoreError: They cannot be read, or one check has two.
    """
    path = directory / BOUNDS
    try:
        bounds = msgspec.json.decode(path.read_bytes(), type=tuple[Bound, ...])
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} is damaged: {error}") from error
    if twice := repeated((bound.experiment, bound.check) for bound in bounds):
        experiment, check = twice[0]
        raise StoreError(f"{path}: check {check!r} of {experiment!r} has two bounds")
    return bounds


def write_bounds(directory: Path, bounds: Sequence[Bound]) -> None:
    """Write the bounds, sorted, so that a change of one is a change of its lines."""
    ordered = sorted(bounds, key=lambda bound: (bound.experiment, bound.check))
    (directory / BOUNDS).write_bytes(json_bytes(ordered, indent=1) + b"\n")
