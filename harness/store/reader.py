"""Read a run back, strictly: only the last line may be torn, and then a warning says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw, Struct, structs

from harness.errors import StoreError
from harness.records import Manifest, Record
from harness.store.manifest import read_manifest
from harness.store.seal import is_sealed, verify_seal

RECORDS = "records.jsonl"

LARGE = ("collections", "timeline")
"""Parts of records that only pictures of one binary are drawn from: 84 % of the default corpus."""
_EMPTIED: dict[str, Any] = {name: [] for name in LARGE}


class _Record(Record):
    """A record of which these parts are skipped, not read: that takes a third of the time."""

    collections: Raw = Raw()  # type: ignore[assignment]
    timeline: Raw = Raw()  # type: ignore[assignment]


class Run(Struct, frozen=True):
    """A run as it is stored. `warnings` says what is not as a clean run would leave it."""

    path: Path
    manifest: Manifest
    records: list[Record]
    warnings: list[str]


class OpenRun(Struct, frozen=True):
    """A run of which only the manifest was read; what else there is, is as in `Run`."""

    path: Path
    manifest: Manifest
    records: StoredRecords
    warnings: list[str]


def read_run(run_dir: Path) -> Run:
    """Read a run directory, finished or not.

    Raises:
        StoreError: There is no run, it is of another format, a line is damaged, or it was promoted
            and is not what was promoted.
    """
    manifest = _manifest_of(run_dir)
    warnings = list(manifest.warnings)
    records = read_records(run_dir, warnings)
    return Run(path=run_dir, manifest=manifest, records=records, warnings=warnings)


def _manifest_of(run_dir: Path) -> Manifest:
    manifest = read_manifest(run_dir)
    if is_sealed(run_dir) or manifest.promoted:
        seal = verify_seal(run_dir)  # a baseline whose seal was taken away is refused too
        if manifest.run_id != seal.run_id:
            raise StoreError(
                f"{run_dir}: its seal is that of another run", remedy="promote a run again"
            )
    return manifest


def open_run(run_dir: Path, *, whole: bool = True) -> OpenRun:
    """Open a run directory, however large; its records are read when somebody goes through them.

    Args:
        run_dir: The run.
        whole: Without, those parts of records are left empty that are `LARGE`.

    Raises:
        StoreError: As `read_run`; of damaged lines as soon as they are read.
    """
    manifest = _manifest_of(run_dir)
    warnings = list(manifest.warnings)
    return OpenRun(run_dir, manifest, StoredRecords(run_dir, warnings, whole=whole), warnings)


def read_records(run_dir: Path, warnings: list[str]) -> list[Record]:
    """Return the records of a run; arguments and errors as for `StoredRecords`."""
    return list(StoredRecords(run_dir, warnings))


class StoredRecords:
    """The records of a run in the order in which they were stored, read anew by every iteration."""

    def __init__(self, run_dir: Path, warnings: list[str], *, whole: bool = True) -> None:
        """Read nothing yet.

        Args:
            run_dir: The run.
            warnings: Gets a line when the last record is torn, which is then left out.
            whole: Without, the parts of records stay empty that are `LARGE`.
        """
        self._path, self._warnings = run_dir / RECORDS, warnings
        self._whole = whole

    def __iter__(self) -> Iterator[Record]:
        """Yield every record.

        Raises:
            StoreError: There are none, or a line that was written whole is damaged; file and line
                are named.
        """
        decoder = msgspec.json.Decoder(Record if self._whole else _Record)
        try:
            with self._path.open("rb") as file:
                for number, line in enumerate(file, start=1):
                    if line.endswith(b"\n"):
                        record = _decode(decoder, line, self._path, number)
                        yield record if self._whole else structs.replace(record, **_EMPTIED)
                    else:
                        self._warn(f"{self._path}: line {number} is torn and was left out")
        except OSError as error:
            raise StoreError(f"{self._path}: {error.strerror}", remedy="measure again") from error

    def _warn(self, text: str) -> None:
        if text not in self._warnings:
            self._warnings.append(text)


def _decode(decoder: msgspec.json.Decoder[Record], line: bytes, path: Path, number: int) -> Record:
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError(
            f"{path}: line {number} is damaged: {error}",
            remedy="the run cannot be trusted; measure again",
        ) from error
