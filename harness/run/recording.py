"""Write packages to a replay file, on their own or while a pipeline consumes them."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import msgspec

from harness.model import Package, Scope
from harness.run.replay import (
    FORMAT,
    HEAD,
    LENGTH,
    MAGIC,
    PACKAGE,
    SCOPE,
    SHELL,
    WHOLE_BYTES,
    PackageStream,
    ReplayInfo,
)

STAGE = "other"


@dataclass
class ListedPackages:
    """Packages from anywhere, as a source of which there is nothing else to say."""

    packages: Iterator[Package]
    skipped: dict[str, int] = field(default_factory=dict)
    language: str = "go"


@contextmanager
def recorded(opening: AbstractContextManager[PackageStream], path: Path) -> Iterator[PackageStream]:
    """Open a source that records what is taken from it.

    When it is left without an error, and every package and child was taken, `path` holds all of
    them. Otherwise it holds what it held before.

    Raises:
        OSError: The disk is full, or cannot be written.
    """
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with opening as source, _nameless(staged) as file:
            frames = _FrameWriter(file)
            packages = frames.iter_packages(source.packages)
            yield ListedPackages(packages, source.skipped, source.language)
            if not frames.whole:
                return
            frames.finish(source)
            file.flush()
            os.fsync(file.fileno())
            if not staged.exists():
                # Without an open directory, Python would link the link in /proc itself.
                os.link(f"/proc/self/fd/{file.fileno()}", staged, src_dir_fd=file.fileno())
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)


def _nameless(staged: Path) -> IO[bytes]:
    """Open a file without a name: of a process that is killed nothing is left. Else `staged`."""
    try:
        return os.fdopen(os.open(staged.parent, os.O_TMPFILE | os.O_RDWR, 0o666), "wb")
    except OSError as error:
        if error.errno in {errno.EOPNOTSUPP, errno.EISDIR}:  # of a file system, or a kernel
            return staged.open("wb")
        raise


def write_replay(source: PackageStream, path: Path) -> None:
    """Write all packages of `source` to `path`.

    Raises:
        OSError: The disk is full, or cannot be written.
    """
    with recorded(nullcontext(source), path) as recording:
        drain(recording)


def drain(source: PackageStream) -> None:
    """Take every package and child, and keep none."""
    for package in source.packages:
        for _ in package.children:
            pass


class _FrameWriter:
    """Appends frames and keeps their digest, total and largest size."""

    def __init__(self, file: IO[bytes]) -> None:
        file.write(MAGIC)
        self.whole = False
        self._file = file
        self._encoder = msgspec.msgpack.Encoder()
        self._digest = hashlib.sha256()
        self._body_bytes = 0
        self._largest_bytes = 0

    def iter_packages(self, packages: Iterator[Package]) -> Iterator[Package]:
        """Yield every package after writing it; what is left of its children is written too."""
        for package in packages:
            self._append(PACKAGE, self._encoder.encode((package.language, package.scope)))
            package.children = self._iter_children(package.children)
            rest = package.children
            yield package
            for _ in rest:
                pass
        self.whole = True

    def finish(self, source: PackageStream) -> None:
        """Write the trailer, which makes the file a replay file."""
        info = ReplayInfo(
            format=FORMAT,
            body_bytes=self._body_bytes,
            sha256=self._digest.hexdigest(),
            largest_frame_bytes=self._largest_bytes,
            language=source.language,
            skipped=source.skipped,
        )
        trailer = msgspec.json.encode(info)
        self._file.write(trailer + LENGTH.pack(len(trailer)) + MAGIC)

    def _iter_children(self, children: Iterator[Scope]) -> Iterator[Scope]:
        for child in children:
            self._write_scope(child)
            yield child

    def _write_scope(self, scope: Scope) -> None:
        payload = self._encoder.encode(scope)
        if len(payload) <= WHOLE_BYTES or not scope.scopes:
            self._append(SCOPE, payload)
            return
        shell = msgspec.structs.replace(scope, scopes=[])
        self._append(SHELL, self._encoder.encode((len(scope.scopes), shell)))
        for inner in scope.scopes:
            self._write_scope(inner)

    def _append(self, kind: int, payload: bytes) -> None:
        for part in (HEAD.pack(len(payload), kind), payload):
            self._file.write(part)
            self._digest.update(part)
        size = HEAD.size + len(payload)
        self._body_bytes += size
        self._largest_bytes = max(self._largest_bytes, size)
