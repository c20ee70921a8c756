"""Write a run: a directory of its own, created once, to which records are only ever added."""

from __future__ import annotations

import fcntl
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from harness.errors import StoreError
from harness.records import Record
from harness.store.journal import Journal
from harness.store.manifest import read_manifest, sync_directory, write_manifest
from harness.store.reader import read_rows
from harness.store.repair import drop_uncommitted
from harness.store.rows import rows_of
from harness.store.tables import BATCHES, FORMAT, TABLES, BatchRow, Row

LOCK = ".lock"


class RunWriter:
    """The only writer of one run directory, by an advisory lock that dies with the process.

    Records are appended in an order that makes `samples.jsonl` the commit: when a replicate's
    samples are on disk, everything else about it is.
    """

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        self.path = path
        self.manifest = manifest
        self._batches_kept: dict[tuple[str, str, str, int], str] = {}
        self._lock = _lock(path)
        self._journals = {name: Journal(path / f"{name}.jsonl") for name in TABLES}
        sync_directory(path)

    @classmethod
    def create(cls, results: Path, manifest: dict[str, Any]) -> RunWriter:
        """Make a new run directory under `results`; an existing one is never reused.

        `run_id`, `format` and `started_at` are added to the manifest.

        Raises:
            StoreError: `results` cannot be written.
        """
        now = datetime.now(UTC)
        try:
            results.mkdir(parents=True, exist_ok=True)
            run_id = _claim(results, now)
        except OSError as error:
            raise StoreError(
                f"cannot create a run in {results}: {error.strerror}",
                remedy="choose a directory that can be written, with --results",
            ) from error
        head = {"format": FORMAT, "run_id": run_id, "started_at": now.isoformat()}
        path = results / run_id
        try:
            write_manifest(path, {**head, **manifest})
        except StoreError:
            path.rmdir()  # without a manifest it is nothing that anybody could read
            raise
        return cls(path, {**head, **manifest})

    @classmethod
    def reopen(cls, path: Path) -> RunWriter:
        """Continue a run that was interrupted; what it had not finished writing is dropped first.

        Raises:
            StoreError: It is no run directory, or another process is writing it.
        """
        manifest = read_manifest(path)
        writer = cls(path, manifest)
        drop_uncommitted(path)
        for row in read_rows(path, BATCHES, []):
            assert isinstance(row, BatchRow)
            writer._batches_kept[row.binary, row.arm, row.source, row.replicate] = row.probe
        return writer

    @property
    def run_id(self) -> str:
        """The name of the run, equal to the name of its directory when it was made."""
        return str(self.manifest["run_id"])

    def append(self, record: Record) -> None:
        """Store one record; returns once it is on disk.

        Raises:
            StoreError: It is not on disk and will not be counted.
        """
        for table, rows in rows_of(record).items():
            if table == BATCHES and not self._claims_batches(record):
                continue
            self.append_rows(table, rows)

    def append_rows(self, table: str, rows: list[Row]) -> None:
        """Store rows as they are; returns once all of them, or none, are on disk.

        Raises:
            StoreError: They are not.
        """
        self._journals[table].append([msgspec.json.encode(row) for row in rows])

    def update_manifest(self, **changes: Any) -> None:
        """Change top-level keys of the manifest and replace the file."""
        changed = {**self.manifest, **changes}
        write_manifest(self.path, changed)
        self.manifest = changed

    def close(self) -> None:
        """Close every file and give up the lock."""
        for journal in self._journals.values():
            journal.close()
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _claims_batches(self, record: Record) -> bool:
        job = record.job
        key = (job.binary, job.arm, job.source, job.replicate)
        return self._batches_kept.setdefault(key, job.probe) == job.probe


def _claim(results: Path, now: datetime) -> str:
    while True:
        run_id = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        try:
            (results / run_id).mkdir()
        except FileExistsError:
            continue
        return run_id


def _lock(path: Path) -> int:
    try:
        handle = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise StoreError(f"cannot write in {path}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise StoreError(
            f"{path} is being written by another process", remedy="wait for that run to end"
        ) from error
    return handle
