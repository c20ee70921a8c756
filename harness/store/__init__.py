"""Runs on disk: a manifest, and one record per replicate, which are only ever added."""

from harness.store.manifest import COMPLETE, INTERRUPTED, RUNNING, read_manifest
from harness.store.reader import Run, read_run
from harness.store.writer import RunWriter

__all__ = ["COMPLETE", "INTERRUPTED", "RUNNING", "Run", "RunWriter", "read_manifest", "read_run"]
