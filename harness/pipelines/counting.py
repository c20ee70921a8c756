"""Count what a batch holds, and how large a child is before it is encoded."""

from __future__ import annotations

from harness.model import FUNCTION_TYPES, Scope
from harness.records import Batch, Counters

STAGE = {"tally": "scope tree", "count_batch": "other"}

# From this many scopes and symbols on, a child is encoded in parts: its JSON is not held whole.
LARGE = 256


def count_batch(counters: Counters, batch: Batch, packages: int) -> None:
    """Add an accepted batch to the work done."""
    counters.packages += packages
    counters.scopes += batch.scopes
    counters.functions += batch.functions
    counters.batches += 1
    counters.raw_bytes += batch.raw_bytes
    counters.payload_bytes += batch.payload_bytes


def tally(scope: Scope) -> tuple[int, int]:
    """Return the functions in `scope`, and its scopes and symbols, itself included."""
    functions = nodes = 0
    reached = [scope]
    for inner in reached:  # grows while it is walked: half as dear as calls that nest
        if inner.scope_type in FUNCTION_TYPES:
            functions += 1
        nodes += 1 + len(inner.symbols)
        reached += inner.scopes
    return functions, nodes
