"""From what a corpus offers to what a run is asked to measure."""

from __future__ import annotations

from harness.corpus import Corpus, counted_dies
from harness.run.request import Binary


def binaries_of(found: Corpus) -> list[Binary]:
    """Return everything a corpus offers or will offer, as inputs of a run.

    Where an independent tool has counted the debugging entries, `extra` says how many there are.
    """
    counted = counted_dies()
    return [
        Binary(
            name=planned.name,
            path=str(planned.path.absolute()),
            sha256=planned.sha256,
            size_bytes=planned.size_bytes,
            extra={"dies": counted[planned.sha256]} if planned.sha256 in counted else {},
        )
        for planned in found.planned
    ]


def await_binary(found: Corpus, name: str) -> str:
    """Wait until a binary is there; return why it will never be, or nothing."""
    binary = found.wait_for(name)
    return binary.detail if binary.status == "missing" else ""
