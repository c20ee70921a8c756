"""What a directory or a file offers, each with a status, and how that stands to the manifest."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from msgspec import Struct

from harness.corpus.binary import CorpusBinary, Stamp, Status, digest_file, kind_of
from harness.corpus.manifest import CorpusManifest, Pin
from harness.errors import CorpusError, failing_as
from harness.text import printable

_Identity = tuple[int, int]
PinState = Literal["ok", "missing", "changed", "extra"]


class PinCheck(Struct, frozen=True):
    """One binary, and how it stands to the manifest."""

    name: str
    state: PinState
    detail: str = ""


def inventory(path: Path) -> list[CorpusBinary]:
    """Return the files below `path`, or the one file it is, smallest first.

    Hidden files and directories are left out. Symbolic links are followed, each directory once.
    Nothing else is dropped: what cannot be measured says why in its status.

    Raises:
        CorpusError: There is no such file or directory, or it cannot be listed.
    """
    with failing_as(CorpusError, f"cannot list {path}"):
        info = path.stat()
        if not stat.S_ISDIR(info.st_mode):
            return [_describe(path, _printable(path.name), set(), Stamp())]
        stamp = Stamp.read(path)
        seen: set[_Identity] = set()
        found = [
            _describe(file, _printable(str(file.relative_to(path))), seen, stamp)
            for file in sorted(_iter_files(path, {_identity(info)}))
        ]
    return sorted(found, key=lambda binary: (binary.size_bytes, binary.name))


def _iter_files(directory: Path, above: set[_Identity]) -> Iterator[Path]:
    """Yield what is below, without entering a directory twice."""
    for entry in sorted(directory.iterdir()):
        if entry.name.startswith("."):
            continue
        try:
            identity = _identity(entry.stat())
            if not entry.is_dir():
                yield entry
            elif identity not in above:
                above.add(identity)
                yield from _iter_files(entry, above)
        except OSError:
            # A dangling link, or a directory that may not be read: listed, with its reason.
            yield entry


def _describe(path: Path, name: str, seen: set[_Identity], stamp: Stamp) -> CorpusBinary:
    try:
        info = path.stat()
        if not stat.S_ISREG(info.st_mode):
            # Opening a pipe or a device could block for ever.
            return CorpusBinary(
                name=name, path=path, status="unreadable", detail="not a regular file"
            )
        digest = stamp.digest(path) if path.name == name else Stamp().digest(path)
        kind = kind_of(path)
    except OSError as error:
        return CorpusBinary(name=name, path=path, status="unreadable", detail=error.strerror or "")
    status, detail = _judge(path, kind, _identity(info) in seen)
    seen.add(_identity(info))
    return CorpusBinary(
        name=name, path=path, size_bytes=info.st_size, sha256=digest, status=status, detail=detail
    )


def _judge(path: Path, kind: Status, is_known: bool) -> tuple[Status, str]:
    if kind != "ok":
        return kind, "not an ELF file"
    if is_known:
        return "duplicate", "the same file as one listed under another name"
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return "unreadable", "its name is not UTF-8; rename it to have it measured"
    return "ok", ""


def _printable(name: str) -> str:
    """Escape what must not reach a terminal or a table; distinct names stay distinct."""
    return printable(name.replace("\\", "\\\\"))


def _identity(info: os.stat_result) -> _Identity:
    return info.st_dev, info.st_ino


def verify(manifest: CorpusManifest, tier: str, directory: Path) -> list[PinCheck]:
    """Return how each pinned binary and each other file of `directory` stands to the manifest.

    Every byte is read again. A pinned binary of another tier is not extra.

    Raises:
        CorpusError: There is no such directory.
    """
    if not directory.is_dir():
        raise CorpusError(
            f"there is no directory {directory}",
            remedy=f"python -m harness corpus fetch --tier {tier} {directory}",
        )
    known = {pin.name for pin in manifest.binaries}
    strangers = [binary for binary in inventory(directory) if binary.name not in known]
    return [
        *(_check(pin, directory / pin.name) for pin in manifest.tier(tier)),
        *(PinCheck(binary.name, "extra", binary.detail) for binary in strangers),
    ]


def _check(pin: Pin, path: Path) -> PinCheck:
    try:
        size, digest = path.stat().st_size, digest_file(path)
    except FileNotFoundError:
        return PinCheck(pin.name, "missing")
    except OSError as error:
        return PinCheck(pin.name, "missing", error.strerror or "")
    if size != pin.size_bytes:
        return PinCheck(pin.name, "changed", f"{size} bytes, pinned are {pin.size_bytes}")
    if digest != pin.sha256:
        return PinCheck(pin.name, "changed", f"sha256 is {digest}, pinned is {pin.sha256}")
    return PinCheck(pin.name, "ok")
