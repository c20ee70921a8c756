"""One file of a corpus, and what is known about it before anything reads its symbols.

A fetch leaves a stamp behind in a directory, so that the next start can trust it at once: a file
whose size and modification time are still those of the stamp has the stamp's digest. `verify`
trusts nothing and reads every byte again.
"""

from __future__ import annotations

import codecs
import hashlib
from pathlib import Path
from typing import Literal, Self

import msgspec
from msgspec import Struct

from harness.corpus.manifest import Pin
from harness.text import json_bytes, replace_file

STAMP_NAME = ".harness-corpus.json"
_READABLE = (b"\x7fELF", b"!<arch>\n")
_LFS_POINTER = b"version https://git-lfs"
_BEGIN_BYTES = 4096

Status = Literal["ok", "text", "not-elf", "unreadable", "duplicate", "missing"]


class CorpusBinary(Struct, frozen=True, kw_only=True):
    """A file that was found, fetched or is to come; all but status `ok` say in `detail` why.

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

    @property
    def known_size_bytes(self) -> int:
        """The size that is pinned, or else the one that was found."""
        return self.pin.size_bytes if self.pin else self.size_bytes


def pinned(pin: Pin, path: Path) -> CorpusBinary:
    """Return the pinned binary that is at `path`; the caller has checked its digest."""
    return CorpusBinary(
        name=pin.name, path=path, size_bytes=pin.size_bytes, sha256=pin.sha256, pin=pin
    )


def missing(pin: Pin, path: Path, detail: str) -> CorpusBinary:
    """Return the pinned binary that should be at `path`, and why it is not."""
    return CorpusBinary(name=pin.name, path=path, status="missing", detail=detail, pin=pin)


def digest_file(path: Path) -> str:
    """Return the sha256 of a file, read in bounded pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def kind_of(path: Path) -> Status:
    """Tell whether the file begins like an ELF file or an archive, like a text, or like none.

    A text beside binaries is their source or build script. Anything else, an empty file too, may be
    what is left of a binary.
    """
    with path.open("rb") as stream:
        begin = stream.read(_BEGIN_BYTES)
    if begin.startswith(_READABLE):
        return "ok"
    if begin.startswith(_LFS_POINTER):  # the binary itself was never downloaded
        return "not-elf"
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(begin)  # its end may be cut
    except UnicodeDecodeError:
        return "not-elf"
    return "text" if text and "\0" not in text else "not-elf"


class Verified(Struct, forbid_unknown_fields=True):
    """A file that had this digest when it had this size and time."""

    sha256: str
    size_bytes: int
    mtime_ns: int


class Stamp(Struct, forbid_unknown_fields=True):
    """The tiers that were asked for in a directory, and the digests seen there."""

    manifest_sha256: str = ""
    tiers: list[str] = []
    files: dict[str, Verified] = {}

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Return the stamp of a directory; an empty one when it has none that can be read."""
        try:
            return msgspec.json.decode((directory / STAMP_NAME).read_bytes(), type=cls)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return cls()

    def write(self, directory: Path) -> None:
        """Replace the stamp of a directory in one step."""
        replace_file(directory / STAMP_NAME, json_bytes(self, indent=1))

    def digest(self, path: Path) -> str:
        """Return the digest of a file of this directory, without reading it when it is known."""
        info = path.stat()
        known = self.files.get(path.name)
        if known and (known.size_bytes, known.mtime_ns) == (info.st_size, info.st_mtime_ns):
            return known.sha256
        digest = digest_file(path)
        self.remember(path, digest)
        return digest

    def remember(self, path: Path, digest: str) -> None:
        """Note the digest of a file that was just read or written."""
        info = path.stat()
        self.files[path.name] = Verified(digest, info.st_size, info.st_mtime_ns)


def is_stamped(directory: Path) -> bool:
    """Tell whether a fetch has been at work in this directory."""
    return (directory / STAMP_NAME).is_file()
