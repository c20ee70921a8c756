"""Read a run back, strictly: only the last line may be torn, and then a warning says so."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from harness.errors import StoreError
from harness.records import Manifest, Record
from harness.store.manifest import read_manifest
from harness.store.seal import is_sealed, verify_seal

RECORDS = "records.jsonl"


class Run(Struct, frozen=True):
    """A run as it is stored. `warnings` says what is not as a clean run would leave it."""

    path: Path
    manifest: Manifest
    records: list[Record]
    warnings: list[str]


def read_run(run_dir: Path) -> Run:
    """Read a run directory, finished or not.

    Raises:
        StoreError: There is no run, it is of another format, a line is damaged, or it was promoted
            and is not what was promoted.
    """
    manifest = read_manifest(run_dir)
    if is_sealed(run_dir) or manifest.promoted:
        seal = verify_seal(run_dir)  # a baseline whose seal was taken away is refused too
        if manifest.run_id != seal.run_id:
            raise StoreError(
                f"{run_dir}: its seal is that of another run", remedy="promote a run again"
            )
    warnings = list(manifest.warnings)
    records = read_records(run_dir, warnings)
    return Run(path=run_dir, manifest=manifest, records=records, warnings=warnings)


def read_records(run_dir: Path, warnings: list[str]) -> list[Record]:
    """Return the records of a run, in the order in which they were stored.

    Args:
        run_dir: The run.
        warnings: Gets a line when the last record is torn, which is then left out.

    Raises:
        StoreError: There are none, or a line that was written whole is damaged; file and line are
            named.
    """
    path = run_dir / RECORDS
    try:
        *whole, torn = path.read_bytes().split(b"\n")
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}", remedy="measure again") from error
    if torn:
        warnings.append(f"{path}: line {len(whole) + 1} is torn and was left out")
    decoder = msgspec.json.Decoder(Record)
    return [_decode(decoder, line, path, number) for number, line in enumerate(whole, start=1)]


def _decode(decoder: msgspec.json.Decoder[Record], line: bytes, path: Path, number: int) -> Record:
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError(
            f"{path}: line {number} is damaged: {error}",
            remedy="the run cannot be trusted; measure again",
        ) from error
