"""The manifest of a run: one JSON document, replaced whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from harness.errors import StoreError, failing_as
from harness.records import Manifest
from harness.text import replace_file

MANIFEST = "manifest.json"
FORMAT = 3

DAMAGED = "the run cannot be trusted; measure again"

RUNNING: Final = "running"
COMPLETE: Final = "complete"
INTERRUPTED: Final = "interrupted"

_ARCHITECTURE = ("machine", "implementation")


class Conditions(Struct, frozen=True, kw_only=True):
    """What a record depends on beside the request: as the manifest has it, by the same names."""

    versions: dict[str, str]
    rig: dict[str, str | int]
    rig_fingerprint: str
    code_sha256: str
    plugins: dict[str, str]


def iter_unlike(
    expected: Conditions | Manifest, found: Conditions | Manifest, *, same_rig: bool = False
) -> Iterator[str]:
    """Yield what makes the exact peaks of one other ones than those of the other.

    With `same_rig`, all that makes other times of them too.
    """
    for name in sorted({*expected.versions, *found.versions}):
        if (was := expected.versions.get(name)) != (now := found.versions.get(name)):
            yield f"{name} {now or 'none'}, not {was or 'none'}"
    if expected.code_sha256 != found.code_sha256:
        yield "other code of harness"
    for name in sorted({*expected.plugins, *found.plugins}):
        if expected.plugins.get(name) != found.plugins.get(name):
            yield f"other code of {name}"
    for name in _ARCHITECTURE:
        if (was_on := expected.rig.get(name)) != (now_on := found.rig.get(name)):
            yield f"{name} {now_on or 'unknown'}, not {was_on or 'unknown'}"
    same = (expected.rig_fingerprint, expected.rig) == (found.rig_fingerprint, found.rig)
    if same_rig and not same:
        yield "another rig"


def write_manifest(run_dir: Path, manifest: Manifest) -> None:
    """Replace the manifest so that a reader, or a crash, sees the old one or the new one.

    Raises:
        StoreError: The directory cannot be written; the old manifest is still there.
    """
    fields = msgspec.to_builtins(manifest)
    msgspec.convert(fields, Manifest)  # what could not be read back is our own mistake
    text = json.dumps(fields, indent=2) + "\n"
    remedy = "free some space or choose another results directory"
    with failing_as(StoreError, f"cannot write {run_dir / MANIFEST}", remedy):
        replace_file(run_dir / MANIFEST, text.encode(), durable=True)
        sync_directory(run_dir)


def read_manifest(run_dir: Path) -> Manifest:
    """Return the manifest of a run; parts of it may be missing.

    Raises:
        StoreError: There is none, it is damaged, or of another format.
    """
    path = run_dir / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
    except OSError as error:
        missing = isinstance(error, (FileNotFoundError, NotADirectoryError))
        remedy = "is this a run directory?" if missing else "name one that this user may read"
        raise StoreError(f"{path}: {error.strerror}", remedy=remedy) from error
    except ValueError as error:
        raise StoreError(f"{path}: not JSON: {error}", remedy=DAMAGED) from error
    if not isinstance(manifest, dict):
        raise StoreError(f"{path}: not a JSON object", remedy=DAMAGED)
    if manifest.get("format") != FORMAT:
        raise StoreError(
            f"{run_dir}: format {manifest.get('format')!r} cannot be read, only {FORMAT}",
            remedy="read it with the version of harness that wrote it",
        )
    try:
        return msgspec.convert(manifest, Manifest)
    except msgspec.ValidationError as error:
        raise StoreError(f"{run_dir}: its manifest is damaged: {error}", remedy=DAMAGED) from error


def sync_directory(directory: Path) -> None:
    """Make the names in `directory` as durable as their contents."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
