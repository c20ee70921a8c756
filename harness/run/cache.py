"""Where package caches are kept, and under which name: one that only the same packages can have."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from harness.config import SymbolOptions
from harness.errors import StoreError
from harness.records import Binary
from harness.run.manifest import EXTRACTION, code_digest
from harness.run.replay import FORMAT
from harness.run.request import RunRequest


def replay_path(request: RunRequest, binary: Binary) -> Path:
    """Return where the packages of a binary are cached; the directory exists afterwards.

    Raises:
        StoreError: It cannot be made.
    """
    directory = request.cache or default_cache()
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"cannot create the package cache {directory}: {error.strerror}",
            remedy="choose another directory with XDG_CACHE_HOME",
        ) from error
    return directory / f"{binary.sha256[:32]}-{_key(request.symbol_options)}.replay"


def default_cache() -> Path:
    """Return the user's cache directory for packages."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "harness", "packages")


def _key(options: SymbolOptions) -> str:
    """Return a digest of the options, of the file format, and of the code that extracts."""
    key = (FORMAT, options, code_digest(EXTRACTION))
    return hashlib.sha256(msgspec.json.encode(key)).hexdigest()[:16]
