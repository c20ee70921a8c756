"""The binaries to measure: pinned and fetched, committed, or the user's own."""

from __future__ import annotations

from harness.corpus.binary import Binary, Status
from harness.corpus.counts import counted_dies
from harness.corpus.fetch import iter_fetch
from harness.corpus.fixtures import fixtures_directory, pinned_manifest
from harness.corpus.inventory import inventory
from harness.corpus.manifest import Manifest, Pin, Wheel, load_manifest
from harness.corpus.progress import OnProgress, Progress
from harness.corpus.resolve import Corpus, Planned, committed_corpus, resolve
from harness.corpus.verify import Finding, verify

__all__ = [
    "Binary",
    "Corpus",
    "Finding",
    "Manifest",
    "OnProgress",
    "Pin",
    "Planned",
    "Progress",
    "Status",
    "Wheel",
    "committed_corpus",
    "counted_dies",
    "fixtures_directory",
    "inventory",
    "iter_fetch",
    "load_manifest",
    "pinned_manifest",
    "resolve",
    "verify",
]
