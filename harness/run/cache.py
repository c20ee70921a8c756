"""What need not be done twice: packages that were extracted, and deliveries that were verified.

Both are kept under names that only the same content, options and code can have. Content is the
binary's, and that of the debug, supplementary and split files that are beside it.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import structs

from harness.errors import StoreError, failing_as
from harness.records import Job, Record
from harness.run.manifest import EXTRACTION, code_digest, fingerprint, is_digested, rig, versions
from harness.run.replay import FORMAT
from harness.run.request import RunRequest
from harness.symbols import Companion, companions_of
from harness.text import replace_file


def default_cache() -> Path:
    """Return the user's cache directory for packages."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "harness", "packages")


def replay_paths(request: RunRequest) -> dict[str, Path]:
    """Return where the packages of each binary are cached; the directory exists afterwards.

    Raises:
        StoreError: It cannot be made.
    """
    directory = _made(request.cache or default_cache())
    code, options = code_digest(EXTRACTION), request.symbol_options
    paths = {}
    for one in request.binaries:
        key = _digest(FORMAT, options, code, companions_of(str(one.path), options))
        paths[one.name] = directory / f"{one.sha256[:32]}-{key}.replay"
    return paths


class Deliveries:
    """The verified deliveries in a run's cache directory, for one state of code and machine."""

    def __init__(self, request: RunRequest) -> None:
        self._directory = _made(request.cache or default_cache())
        self._origin = (code_digest(), fingerprint(versions(), rig()), request.env)
        self._companions: dict[str, list[Companion]] = {}

    def find(self, job: Job) -> Record | None:
        """Return what an earlier run verified of the same work; None if none did.

        Code that no digest covers may have changed since: nothing is known of a plugin.
        """
        if job.call or not is_digested(job.pipeline):
            return None
        with suppress(OSError, msgspec.DecodeError):
            record = msgspec.json.decode(self._path(job).read_bytes(), type=Record)
            return structs.replace(record, job=job, verified_by=record.job.run_id)
        return None

    def keep(self, record: Record) -> None:
        """Remember a verified delivery; a cache that cannot be written is no failure of a run."""
        path = self._path(record.job)
        # A path may be no text, and is not what was delivered.
        record = structs.replace(record, job=structs.replace(record.job, binary_path=""))
        with suppress(OSError):
            replace_file(path, msgspec.json.encode(record))

    def _path(self, job: Job) -> Path:
        """Return the file of a job; its upload id says binary, arm, share and options."""
        work = (job.upload_id, job.binary_sha256, job.source, job.pipeline, job.hash_seed)
        beside = self._companions.get(job.binary_path)
        if beside is None:
            beside = companions_of(job.binary_path, job.symbol_options)
            self._companions[job.binary_path] = beside
        key = _digest(work, job.pipeline_options, job.symbol_options, self._origin, beside)
        return self._directory / f"{job.binary_sha256[:32]}-{key}.delivery"


def _made(directory: Path) -> Path:
    remedy = "choose another directory with XDG_CACHE_HOME"
    with failing_as(StoreError, f"cannot create the package cache {directory}", remedy):
        directory.mkdir(parents=True, exist_ok=True)
    return directory


def _digest(*parts: object) -> str:
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:16]
