"""What a corpus offers as inputs of a run, and which of it is there by now."""

from __future__ import annotations

from collections.abc import Callable

from harness.corpus.manifest import counted_dies
from harness.corpus.resolve import Corpus
from harness.records import Binary


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
            sources=planned.pin.sources if planned.pin else (),
            extra={"dies": counted[planned.sha256]} if planned.sha256 in counted else {},
        )
        for planned in found.planned
    ]


class Arrivals:
    """Tells of each binary of some corpora whether it is there; says once what will never be."""

    def __init__(self, *corpora: Corpus, say: Callable[[str], None]) -> None:
        self._awaited = {one.name: corpus for corpus in corpora for one in corpus.planned}
        self._say = say

    def __call__(self, name: str) -> bool:
        """Return whether a binary is there, or will never be; what no corpus plans is there."""
        if name not in self._awaited:
            return True
        binary = self._awaited[name].arrived(name)
        if binary is None:
            return False
        del self._awaited[name]
        if binary.status == "missing":
            self._say(f"{name} is not to be had: {binary.detail}")
        return True
