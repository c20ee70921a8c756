"""The binaries to measure: pinned and fetched, committed, or the user's own."""

from __future__ import annotations

from harness.corpus.binary import CorpusBinary
from harness.corpus.control import FetchStep, OnProgress
from harness.corpus.fetch import iter_fetch
from harness.corpus.inputs import Arrivals, binaries_of, with_dies
from harness.corpus.inventory import PinCheck, inventory, verify
from harness.corpus.manifest import (
    COMMITTED,
    TIERS,
    CorpusManifest,
    counted_dies,
    fixtures_directory,
    load_manifest,
    pinned_manifest,
)
from harness.corpus.resolve import Corpus, committed_corpus, list_tier, resolve

__all__ = [
    "COMMITTED",
    "TIERS",
    "Arrivals",
    "Corpus",
    "CorpusBinary",
    "CorpusManifest",
    "FetchStep",
    "OnProgress",
    "PinCheck",
    "binaries_of",
    "committed_corpus",
    "counted_dies",
    "fixtures_directory",
    "inventory",
    "iter_fetch",
    "list_tier",
    "load_manifest",
    "pinned_manifest",
    "resolve",
    "verify",
    "with_dies",
]
