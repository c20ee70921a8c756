"""Write a run: a directory of its own, created once, to which records are only ever added."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Self

import msgspec
from msgspec import structs

from harness.errors import StoreError, failing_as
from harness.records import Manifest, Record
from harness.store.manifest import FORMAT, read_manifest, sync_directory, write_manifest
from harness.store.reader import RECORDS

LOCK = ".lock"
UNITS = "units.jsonl"
"""Of each whole binary on an executor: where its records end, the next order, if one failed."""

_MOST_AT_ONCE = 1000


class RunWriter:
    """The only writer of one run directory, by an advisory lock that dies with the process.

    One record is one line, one write and one fsync: it is stored whole or not at all. A line that
    a crash tore is dropped when the run is opened again.
    """

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest
        self._lock = _lock(path)
        self._records = path / RECORDS
        self.orders = 0
        try:
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._handle = os.open(self._records, flags, 0o644)
            self._drop_torn_tail()
        except OSError as error:
            os.close(self._lock)
            raise self._failed(error) from error
        sync_directory(path)

    @classmethod
    def create(cls, results: Path, manifest: Manifest) -> RunWriter:
        """Make a new run directory under `results`; an existing one is never reused.

        `run_id`, `format` and `started_at` of the manifest are set here.

        Raises:
            StoreError: `results` cannot be written.
        """
        now = datetime.now(UTC)
        remedy = "choose a directory that can be written, with --results"
        with failing_as(StoreError, f"cannot create a run in {results}", remedy):
            results.mkdir(parents=True, exist_ok=True)
            run_id = _claim(results, now)
        path = results / run_id
        manifest = structs.replace(
            manifest, format=FORMAT, run_id=run_id, started_at=now.isoformat()
        )
        try:
            write_manifest(path, manifest)
            return cls(path, manifest)
        except BaseException:  # Ctrl-C too: half of it is nothing that anybody could read
            shutil.rmtree(path, ignore_errors=True)
            raise

    @classmethod
    def reopen(cls, path: Path) -> RunWriter:
        """Continue a run that was interrupted.

        Raises:
            StoreError: It is no run directory, or another process is writing it.
        """
        return cls(path, read_manifest(path))

    @property
    def run_id(self) -> str:
        """The name of the run, equal to the name of its directory when it was made."""
        return self.manifest.run_id

    def append(self, record: Record) -> None:
        """Store one record; returns once it is on disk.

        Raises:
            StoreError: It is not on disk and will not be counted.
        """
        self._append([record])

    def append_all(self, records: Iterable[Record]) -> None:
        """Store many records with few syncs; returns once all are on disk.

        Raises:
            StoreError: Those before a multiple of `_MOST_AT_ONCE` are on disk, no other.
        """
        ahead = iter(records)
        while some := list(islice(ahead, _MOST_AT_ONCE)):
            self._append(some)

    def append_unit(self, name: str, records: Iterable[Record], *, failed: bool) -> None:
        """Store all records of one binary, and then that they are whole and whether one failed.

        Raises:
            StoreError: They are not on disk and will not be counted.
        """
        some = list(records)
        self._append(some)
        self.orders = max([self.orders, *(record.job.order + 1 for record in some)])
        end = os.fstat(self._handle).st_size
        line = msgspec.json.encode([name, end, self.orders, failed]) + b"\n"
        with (self.path / UNITS).open("ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def whole_units(self) -> dict[str, bool]:
        """Return the binaries that are whole, each with whether a process of it failed.

        What was stored after the last of them is dropped.
        """
        text = (self.path / UNITS).read_bytes()
        units = [msgspec.json.decode(line) for line in text.split(b"\n")[:-1]]
        end = units[-1][1] if units else 0
        os.ftruncate(self._handle, end)
        os.fsync(self._handle)
        self.orders = units[-1][2] if units else 0
        return {unit[0]: unit[3] for unit in units}

    def _append(self, records: Iterable[Record]) -> None:
        data = msgspec.json.Encoder().encode_lines(map(_stored, records))
        before = os.fstat(self._handle).st_size
        try:
            written = os.write(self._handle, data)
            os.fsync(self._handle)
        except OSError as error:
            os.ftruncate(self._handle, before)
            raise self._failed(error) from error
        if written != len(data):
            os.ftruncate(self._handle, before)
            raise StoreError(
                f"cannot write {self._records}: only {written} of {len(data)} bytes fit",
                remedy="free some space and resume the run",
            )

    def update_manifest(self, **changes: Any) -> None:
        """Change fields of the manifest and replace the file."""
        changed = structs.replace(self.manifest, **changes)
        write_manifest(self.path, changed)
        self.manifest = changed

    def note_unmeasured(self, message: str) -> bool:
        """Add to the manifest what was not measured; tell whether it was not there yet."""
        known = self.manifest.not_measured
        if message not in known:
            self.update_manifest(not_measured=[*known, message])
        return message not in known

    def close(self) -> None:
        """Close the files and give up the lock."""
        os.close(self._handle)
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _drop_torn_tail(self) -> None:
        content = self._records.read_bytes()
        if content and not content.endswith(b"\n"):
            os.ftruncate(self._handle, content.rfind(b"\n") + 1)
            os.fsync(self._handle)

    def _failed(self, error: OSError) -> StoreError:
        return StoreError(
            f"cannot write {self._records}: {error.strerror}",
            remedy="free some space or choose another results directory",
        )


def _stored(record: Record) -> Record:
    """Return what is kept of a record: no path of this machine, and no number of a failure."""
    job = structs.replace(record.job, binary_path="", intake_url="", scratch="", replay="")
    if record.status == "ok":
        return structs.replace(record, job=job)
    nothing: list[Any] = []
    return structs.replace(
        record,
        job=job,
        values={},
        batches=nothing,
        collections=nothing,
        timeline=nothing,
        holdings=nothing,
    )


def _claim(results: Path, now: datetime) -> str:
    while True:
        run_id = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        try:
            (results / run_id).mkdir()
        except FileExistsError:
            continue
        return run_id


def _lock(path: Path) -> int:
    with failing_as(StoreError, f"cannot write in {path}"):
        handle = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise StoreError(
            f"{path} is being written by another process", remedy="wait for that run to end"
        ) from error
    return handle
