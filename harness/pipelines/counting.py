"""Count what a batch holds, and how large a child is before it is encoded."""

from __future__ import annotations

from harness.model import FUNCTION_TYPES, Scope
from harness.records import Batch, Counters

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
    functions = 1 if scope.scope_type in FUNCTION_TYPES else 0
    nodes = 1 + len(scope.symbols)
    for inner in scope.scopes:
        more_functions, more_nodes = tally(inner)
        functions += more_functions
        nodes += more_nodes
    return functions, nodes
