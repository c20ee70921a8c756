"""The seal of a directory: digests of every file in it, so that no change goes unnoticed.

It shows accidents and edits by hand. Who rewrites the digests too is caught by review: the seal is
one small file under version control.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from harness.errors import StoreError
from harness.text import json_bytes

SEAL = "digests.json"
SEAL_FORMAT = 2

_RESTORE = "restore it from version control, or remove the directory and promote a run again"


class SealedFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a file was when it was sealed."""

    sha256: str
    size_bytes: int


class Seal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was promoted, when, and what every file has to be.

    `left_out` names the parts of every record that were not taken along, and `records_bytes` is
    how long the records of the run were with them, so that those of a later run can still be
    compared in size.
    """

    format: int
    run_id: str
    commit: str
    command: str
    promoted_at: str
    files: dict[str, SealedFile]
    left_out: tuple[str, ...]
    records_bytes: int


def describe(path: Path) -> SealedFile:
    """Return size and digest of one file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return SealedFile(sha256=digest, size_bytes=file.tell())


def write_seal(directory: Path, seal: Seal) -> None:
    """Put the seal into a directory in which everything else is in place."""
    (directory / SEAL).write_bytes(json_bytes(seal, indent=1) + b"\n")


def is_sealed(directory: Path) -> bool:
    """Tell whether there is a seal, broken or not."""
    return (directory / SEAL).exists() or (directory / SEAL).is_symlink()


def verify_seal(directory: Path) -> Seal:
    """Return the seal of a directory of which every byte is as it was sealed.

    Raises:
        StoreError: There is none, or a file was changed, removed, added or replaced by something
            that is no regular file; all faults are named together.
    """
    seal = _read_seal(directory)
    try:
        faults = list(_iter_faults(directory, seal))
    except OSError as error:
        raise StoreError(f"{error.filename}: {error.strerror}", remedy=_RESTORE) from error
    if faults:
        raise StoreError(
            f"{directory} is not what was promoted: {'; '.join(faults)}", remedy=_RESTORE
        )
    return seal


def _read_seal(directory: Path) -> Seal:
    path = directory / SEAL
    try:
        seal = msgspec.json.decode(path.read_bytes(), type=Seal)
    except OSError as error:
        raise StoreError(
            f"{directory} is not a baseline: {SEAL}: {error.strerror}",
            remedy="make one with: python -m harness baseline promote RUN",
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} is damaged: {error}", remedy=_RESTORE) from error
    if seal.format != SEAL_FORMAT:
        raise StoreError(
            f"{path}: format {seal.format} cannot be read, only {SEAL_FORMAT}",
            remedy="read it with the version of harness that wrote it",
        )
    return seal


def _iter_faults(directory: Path, seal: Seal) -> Iterator[str]:
    there = {path.name: path for path in sorted(directory.iterdir())}
    for name, path in there.items():
        if path.is_symlink() or not path.is_file():
            yield f"{name} is not a regular file"
        elif name not in seal.files and name != SEAL:
            yield f"{name} was added"
    for name, was in seal.files.items():
        path = directory / name
        if name not in there:
            yield f"{name} is missing"
        elif path.is_file() and not path.is_symlink() and describe(path) != was:
            yield f"{name} was changed"
