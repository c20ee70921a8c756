"""Read a run back, strictly: only the last line may be torn, and then a warning says so."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct, structs

from harness.errors import StoreError, failing_as
from harness.records import Manifest, Record
from harness.store.manifest import DAMAGED, read_manifest
from harness.store.seal import is_sealed, verify_seal

RECORDS = "records.jsonl"

LARGE = ("collections", "timeline")
"""Parts of records that only pictures of one binary are drawn from: 84 % of the default corpus."""
_EMPTIED: dict[str, Any] = {name: [] for name in LARGE}


class _Record(Record):
    """A record of which these parts are skipped, not read: that takes a third of the time."""

    collections: Raw = Raw()  # type: ignore[assignment]
    timeline: Raw = Raw()  # type: ignore[assignment]


_T = TypeVar("_T")


class _Job(Struct):
    binary: str = ""


class _OfBinary(Struct):
    job: _Job


_WHOLE = msgspec.json.Decoder(Record)
_LEAN: msgspec.json.Decoder[Record] = msgspec.json.Decoder(_Record)
_BINARY = msgspec.json.Decoder(_OfBinary)


class Run(Struct, frozen=True):
    """A run as it is stored. `warnings` says what is not as a clean run would leave it.

    Of one that was only opened, records are read by whoever goes through them.
    """

    path: Path
    manifest: Manifest
    records: Iterable[Record]
    warnings: list[str]


def read_run(run_dir: Path) -> Run:
    """Read a run directory, finished or not.

    Raises:
        StoreError: There is no run, it is of another format, a line is damaged, or it was promoted
            and is not what was promoted.
    """
    run = open_run(run_dir)
    return structs.replace(run, records=list(run.records))


def open_run(run_dir: Path, *, whole: bool = True) -> Run:
    """Open a run directory, however large; its records are read when somebody goes through them.

    If it is not `whole`, those parts of records are left empty that are `LARGE`.

    Raises:
        StoreError: As `read_run`; of damaged lines as soon as they are read.
    """
    manifest = read_manifest(run_dir)
    if is_sealed(run_dir) or manifest.promoted:
        seal = verify_seal(run_dir)  # a baseline whose seal was taken away is refused too
        if manifest.run_id != seal.run_id:
            raise StoreError(
                f"{run_dir}: its seal is that of another run", remedy="promote a run again"
            )
    warnings = list(manifest.warnings)
    return Run(run_dir, manifest, StoredRecords(run_dir, warnings, whole=whole), warnings)


class StoredRecords:
    """The records of a run in the order in which they were stored, read anew by every iteration."""

    def __init__(
        self,
        run_dir: Path,
        warnings: list[str],
        *,
        whole: bool = True,
        of: Container[str] | None = None,
    ) -> None:
        """Read nothing yet.

        `warnings` gets a line when the last record is torn, which is then left out. If not `whole`,
        the parts of records stay empty that are `LARGE`; `of` names the binaries that are wanted.
        """
        self._path, self._warnings = run_dir / RECORDS, warnings
        self._whole, self._of = whole, of

    def __iter__(self) -> Iterator[Record]:
        """Yield every record.

        Raises:
            StoreError: There are none, or a line that was written whole is damaged; file and line
                are named.
        """
        of, failing = self._of, failing_as(StoreError, str(self._path), "measure again")
        with failing, self._path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    torn = f"{self._path}: line {number} is torn and was left out"
                    if torn not in self._warnings:
                        self._warnings.append(torn)
                elif of is None or self._decoded(_BINARY, line, number).job.binary in of:
                    record = self._decoded(_WHOLE if self._whole else _LEAN, line, number)
                    yield record if self._whole else structs.replace(record, **_EMPTIED)

    def _decoded(self, decoder: msgspec.json.Decoder[_T], line: bytes, number: int) -> _T:
        try:
            return decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StoreError(
                f"{self._path}: line {number} is damaged: {error}", remedy=DAMAGED
            ) from error
