"""The files that a run measured and those it wrote, for the inventory check against an ancestor."""

from __future__ import annotations

import stat
from pathlib import Path

from msgspec import Struct

from harness.errors import StoreError
from harness.store.bounds import BOUNDS
from harness.store.manifest import read_manifest
from harness.store.seal import SEAL, is_sealed, verify_seal

_WRITTEN = (".json", ".jsonl")  # pictures and reports are made from these, and can be made again
_OF_BASELINE = (SEAL, BOUNDS)


class StoredFile(Struct, frozen=True, kw_only=True):
    """One file; mode None and an empty digest when they are not known or mean nothing."""

    size_bytes: int
    mode: int | None = None
    sha256: str = ""


def files_of(run_dir: Path) -> dict[str, StoredFile]:
    """Return the binaries of a run and the tables it wrote, as `corpus/NAME` and `results/NAME`.

    Binaries are as the manifest recorded them, so nothing of the corpus has to be there. Tables
    that a promotion left out are as they were then. Tables have no digest: two runs never write
    the same bytes.

    Raises:
        StoreError: The directory is no run, cannot be read, or is a baseline that was touched.
    """
    manifest = read_manifest(run_dir)
    modes = manifest.get("modes", {})
    corpus = {
        f"corpus/{binary['name']}": StoredFile(
            size_bytes=int(binary.get("size_bytes", 0)),
            mode=modes.get(binary["name"]),
            sha256=str(binary.get("sha256", "")),
        )
        for binary in manifest.get("corpus", [])
    }
    try:
        results = {f"results/{path.name}": _table(path) for path in _iter_tables(run_dir)}
    except OSError as error:
        raise StoreError(f"{run_dir}: {error.strerror}") from error
    if is_sealed(run_dir):
        left_out = verify_seal(run_dir).left_out
        results |= {
            f"results/{name}": StoredFile(size_bytes=file.size_bytes)
            for name, file in left_out.items()
        }
    return {**corpus, **results}


def _iter_tables(run_dir: Path) -> list[Path]:
    return [
        path
        for path in sorted(run_dir.iterdir())
        if path.suffix in _WRITTEN and path.name not in _OF_BASELINE and path.is_file()
    ]


def _table(path: Path) -> StoredFile:
    info = path.stat()
    return StoredFile(size_bytes=info.st_size, mode=stat.S_IMODE(info.st_mode))
