"""From what a corpus offers to what a run is asked to measure."""

from __future__ import annotations

from harness.corpus import Corpus, counted_dies
from harness.run.request import Binary


def binaries_of(found: Corpus) -> list[Binary]:
    """Return everything a corpus offers or will offer, as inputs of a run.

    Where an independent tool has counted the debugging entries, `extra` says how many there are.
    """
    return [
        Binary(
            name=planned.name,
            path=str(planned.path.absolute()),
            sha256=planned.sha256,
            size_bytes=planned.size_bytes,
            extra=_counts(planned.sha256),
        )
        for planned in found.planned
    ]


def _counts(sha256: str) -> dict[str, int]:
    dies = counted_dies(sha256)
    return {} if dies is None else {"dies": dies}


def await_binary(found: Corpus, name: str) -> str:
    """Wait until a binary is there; return why it will never be, or nothing."""
    binary = found.wait_for(name)
    return binary.detail if binary.status == "missing" else ""
