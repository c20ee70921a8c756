"""The files that a run measured and those it wrote, for the inventory check against an ancestor."""

from __future__ import annotations

import stat
from pathlib import Path

from harness.errors import StoreError, failing_as
from harness.records import StoredFile
from harness.store.manifest import MANIFEST, read_manifest
from harness.store.reader import RECORDS
from harness.store.seal import is_sealed, verify_seal

_WRITTEN = (MANIFEST, RECORDS)  # pictures and reports are made from these, and can be made again


def files_of(run_dir: Path) -> dict[str, StoredFile]:
    """Return the binaries of a run and what it wrote, as `corpus/NAME` and `results/NAME`.

    Binaries are as the manifest recorded them, so nothing of the corpus has to be there. Records
    are as long as they were before a promotion left parts of them out. What a run wrote has no
    digest: two runs never write the same bytes.

    Raises:
        StoreError: The directory is no run, cannot be read, or is a baseline that was touched.
    """
    manifest = read_manifest(run_dir)
    corpus = {
        f"corpus/{binary.name}": StoredFile(
            size_bytes=binary.size_bytes, mode=manifest.modes.get(binary.name), sha256=binary.sha256
        )
        for binary in manifest.corpus
    }
    with failing_as(StoreError, str(run_dir)):
        results = {f"results/{name}": _written(run_dir / name) for name in _WRITTEN}
    if is_sealed(run_dir):
        records_bytes = verify_seal(run_dir).records_bytes
        results[f"results/{RECORDS}"] = StoredFile(size_bytes=records_bytes)
    return {**corpus, **results}


def _written(path: Path) -> StoredFile:
    info = path.stat()
    return StoredFile(size_bytes=info.st_size, mode=stat.S_IMODE(info.st_mode))
