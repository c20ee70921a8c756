"""Records on disk: append-only while a run lasts, data frames afterwards."""

from harness.store.manifest import COMPLETE, INTERRUPTED, RUNNING, read_manifest
from harness.store.reader import RunData, load, read_rows
from harness.store.writer import RunWriter

__all__ = [
    "COMPLETE",
    "INTERRUPTED",
    "RUNNING",
    "RunData",
    "RunWriter",
    "load",
    "read_manifest",
    "read_rows",
]
