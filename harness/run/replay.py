"""Packages kept on disk, so that a pipeline can be measured without the extraction before it.

A file is magic, frames, a JSON trailer, the trailer's length, magic. A frame is a 4-byte length, a
kind, and one msgpack-encoded value: a package (language and own scope), a whole scope, or the shell
of a large one: itself without what it encloses, and how many scopes follow that belong into it.
Frames are not compressed: inflating them would cost the measured process memory and time that
belong to no pipeline.

Reading decodes from one block that is set aside when the file is opened, before any probe starts,
and keeps one child alive. Extractors share equal strings among the scopes they build; so does
reading, frame by frame and through small pools, so that a pipeline that keeps scopes does not look
worse on replay than it is, and a huge child is never there with all its strings unshared.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol, Self

import msgspec
from msgspec import Struct

from harness.config import KIB
from harness.errors import InputRejected
from harness.model import Package, Scope
from harness.sharing import StringPool

STAGE = "scope tree"

FORMAT = 2
MAGIC = b"replay\r\n"
HEAD = struct.Struct("<IB")
LENGTH = struct.Struct("<I")
PACKAGE, SCOPE, SHELL = 0, 1, 2
# A scope whose frame would be longer is written as a shell.
WHOLE_BYTES = 4 * KIB
_BLOCK_BYTES = 256 * KIB

# Made here and not where they are used: making a decoder costs 20 KiB, which a probe would see.
_PACKAGES = msgspec.msgpack.Decoder(tuple[str, Scope])
_SCOPES = msgspec.msgpack.Decoder(Scope)
_SHELLS = msgspec.msgpack.Decoder(tuple[int, Scope])


class PackageStream(Protocol):
    """Where packages come from: walked once, by one pipeline."""

    packages: Iterator[Package]
    skipped: dict[str, int]
    language: str


class ReplayInfo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a replay file says about itself; `sha256` covers its frames."""

    format: int
    body_bytes: int
    sha256: str
    largest_frame_bytes: int
    language: str
    skipped: dict[str, int]


def read_info(path: Path) -> ReplayInfo | None:
    """Return what a replay file says about itself, or None when it is no whole replay file."""
    with suppress(OSError, ValueError, msgspec.DecodeError), path.open("rb") as file:
        file.seek(-LENGTH.size - len(MAGIC), os.SEEK_END)
        (length,) = LENGTH.unpack(file.read(LENGTH.size))
        if file.read() != MAGIC:
            return None
        file.seek(-LENGTH.size - len(MAGIC) - length, os.SEEK_END)
        frames_end = file.tell()
        info = msgspec.json.decode(file.read(length), type=ReplayInfo)
        whole = len(MAGIC) + info.body_bytes == frames_end
        return info if whole and info.format == FORMAT else None
    return None


def check_replay(path: Path) -> ReplayInfo | None:
    """Return what the file says about itself if every byte of its frames is as it was written."""
    info = read_info(path)
    if info is None:
        return None
    digest, left = hashlib.sha256(), info.body_bytes
    with path.open("rb") as file:
        file.seek(len(MAGIC))
        while left and (block := file.read(min(left, _BLOCK_BYTES))):
            digest.update(block)
            left -= len(block)
    return info if digest.hexdigest() == info.sha256 else None


class Replay:
    """An open replay file, ready to be walked: a `PackageStream` and its own context manager."""

    def __init__(self, path: Path, share: float = 1.0) -> None:
        info = read_info(path)
        if info is None:
            raise InputRejected("not a whole replay file", file=str(path))
        self.language = info.language
        self.skipped = info.skipped
        self._file = path.open("rb", buffering=0)
        self._file.seek(len(MAGIC))
        self._frames = _FrameReader(self._file, info, share)
        self._strings = StringPool()
        self.packages = self._iter_packages()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _iter_packages(self) -> Iterator[Package]:
        while (payload := self._frames.take(PACKAGE)) is not None:
            children = self._iter_children()
            yield _package(payload, children)
            for _ in children:  # what the consumer left behind is not the next package
                pass

    def _iter_children(self) -> Iterator[Scope]:
        while (scope := self._take_scope()) is not None:
            yield scope
            del scope

    def _take_scope(self) -> Scope | None:
        """Return the next scope with all it encloses; None if it is not there, or not whole."""
        if (payload := self._frames.take(SCOPE)) is not None:
            return self._strings.share(_SCOPES.decode(payload))
        if (payload := self._frames.take(SHELL)) is None:
            return None
        count, shell = _SHELLS.decode(payload)
        for _ in range(count):
            inner = self._take_scope()
            if inner is None:
                return None
            shell.scopes.append(inner)
        return self._strings.share_own(shell)


def _package(payload: memoryview, children: Iterator[Scope]) -> Package:
    """Decode a package; a function of its own, so that no frame of ours keeps the tree alive."""
    language, scope = _PACKAGES.decode(payload)
    return Package(scope, language, children)


def open_replay(path: str, share: float = 1.0) -> Replay:
    """Open a replay file; all memory that reading needs is set aside here.

    With a `share` below 1, it ends before the first scope that goes beyond that part of the file.

    Raises:
        InputRejected: It is no whole replay file of this format.
    """
    return Replay(Path(path), share)


class _FrameReader:
    """Reads frames through one block that always holds the current frame whole."""

    def __init__(self, file: IO[bytes], info: ReplayInfo, share: float) -> None:
        self._file = file
        self._is_cut = share < 1.0
        self._view = memoryview(bytearray(max(_BLOCK_BYTES, 2 * info.largest_frame_bytes)))
        self._left = round(info.body_bytes * share)
        self._at = self._end = self._length = 0
        self._kind = -1
        self._taken = False
        self._advance()

    def take(self, kind: int) -> memoryview | None:
        """Return the next frame's content, valid until the next call; None if of another kind."""
        if self._taken:
            self._at += HEAD.size + self._length
            self._taken = False
            self._advance()
        if self._kind != kind:
            return None
        self._taken = True
        start = self._at + HEAD.size
        return self._view[start : start + self._length]

    def _advance(self) -> None:
        if not self._hold(HEAD.size):
            self._kind = -1
            return
        self._length, self._kind = HEAD.unpack_from(self._view, self._at)
        if not self._hold(HEAD.size + self._length):
            if not self._is_cut:
                raise InputRejected("a replay file ends inside a frame")
            self._kind = -1

    def _hold(self, size: int) -> bool:
        """Make sure that `size` bytes from the current position are in the block."""
        if self._end - self._at >= size:
            return True
        kept = self._end - self._at
        self._view[:kept] = self._view[self._at : self._end]
        self._at, self._end = 0, kept
        while self._end < size and self._left:
            read = self._file.readinto(self._room())  # type: ignore[attr-defined]
            if not read:
                break
            self._end += read
            self._left -= read
        return self._end >= size

    def _room(self) -> memoryview:
        return self._view[self._end : min(len(self._view), self._end + self._left)]
