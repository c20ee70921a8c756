"""What a corpus offers as inputs of a run, and which of it is there by now."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import structs

from harness.corpus.manifest import counted_dies
from harness.corpus.resolve import Corpus
from harness.errors import InputRejected
from harness.records import Binary
from harness.symbols import count_entries


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


def with_dies(binary: Binary) -> Binary:
    """Return a binary with its debugging entries counted, by us where nobody else did."""
    if "dies" in binary.extra or not Path(binary.path).is_file():
        return binary
    try:
        return structs.replace(binary, extra={"dies": count_entries(binary.path)})
    except InputRejected:  # its measurement will say why
        return binary


class Arrivals:
    """Tells of each binary of some corpora whether it is there; says once what will never be."""

    def __init__(self, *corpora: Corpus, say: Callable[[str], None]) -> None:
        self._awaited = {one.name: corpus for corpus in corpora for one in corpus.planned}
        self._corpora, self._say = corpora, say

    @property
    def is_fetching(self) -> bool:
        """Whether some of what is not there yet is being downloaded or built."""
        return any(corpus.is_fetching for corpus in self._corpora)

    def has_arrived(self, name: str) -> bool:
        """Return whether a binary is there, or will never be; what no corpus plans is there."""
        if name not in self._awaited:
            return True
        binary = self._awaited[name].arrived(name)
        if binary is None:
            return False
        del self._awaited[name]
        if binary.status == "missing":
            self._say(f"{name} is not available: {binary.detail}")
        return True
