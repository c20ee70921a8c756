"""One file of a corpus, and what is known about it before anything reads its symbols."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.corpus.manifest import Pin

ELF_MAGIC = b"\x7fELF"

Status = Literal["ok", "not-elf", "unreadable", "duplicate", "missing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """A file that was found or fetched; everything but status `ok` says in `detail` why.

    `name` is unique in its corpus and safe to print: control characters, and bytes that are not
    UTF-8, are escaped. `pin` is the manifest's entry, when the file is a pinned one.
    """

    name: str
    path: Path
    size_bytes: int = 0
    sha256: str = ""
    status: Status = "ok"
    detail: str = ""
    pin: Pin | None = None

    @property
    def is_elf(self) -> bool:
        """Whether there is something to measure."""
        return self.status == "ok"


def pinned(pin: Pin, path: Path) -> Binary:
    """Return the pinned binary that is at `path`; the caller has checked its digest."""
    return Binary(name=pin.name, path=path, size_bytes=pin.size_bytes, sha256=pin.sha256, pin=pin)


def digest_file(path: Path) -> str:
    """Return the sha256 of a file, read in bounded pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def has_elf_magic(path: Path) -> bool:
    """Tell whether the file begins like an ELF file."""
    with path.open("rb") as stream:
        return stream.read(len(ELF_MAGIC)) == ELF_MAGIC
