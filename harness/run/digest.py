"""Digest what a callable returned and wrote, so that two of them can be told to do the same.

Equal values have equal digests in whatever process: a mapping and a set have no order, and a list,
a tuple and an iterator of the same items are the same sequence. What is compressed by gzip counts
by what it holds: when it was compressed, and how, makes no other output.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import Any

import msgspec

STAGE = "other"

_GZIP = b"\x1f\x8b"
_GZIP_WBITS = 31
_CHUNK_BYTES = 1 << 20


class NoDigest(Exception):
    """Nobody can say whether such a value is the same in two processes."""


class Digest:
    """The digest of one call: what it returned, then the files it wrote."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._empty = True

    def feed(self, value: Any) -> int:
        """Take in what was returned, and return its size as `size_of` tells it.

        Raises:
            NoDigest: It holds something that has no digest.
        """
        if value is None:
            return 0
        self._empty = False
        if isinstance(value, Iterator):
            items = _Items()
            size_bytes = sum(size_of(items.add(item)) for item in value)
            self._hash.update(_of_bytes(items.digest()))
            return size_bytes
        try:
            self._hash.update(_digested(value))
        except RecursionError:
            raise NoDigest(
                "what it returned holds itself or is nested deep: name --digest MODULE:FUNCTION"
            ) from None
        return size_of(value)

    def with_files(self, directory: Path, paths: Iterable[Path]) -> str:
        """Return the digest of all that was returned and is in `paths`; empty if that is nothing.

        Files are named relative to `directory`, and come in a fixed order.
        """
        for path in paths:
            self._empty = False
            name = str(path.relative_to(directory)).encode("utf-8", "surrogateescape")
            self._hash.update(b"file" + _of_bytes(name) + _of_file(path))
        return "" if self._empty else self._hash.hexdigest()


def size_of(value: Any) -> int:
    """Return how many bytes a value is as output: of text in UTF-8, 0 where nobody can say."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, io.BytesIO):
        return value.getbuffer().nbytes
    with suppress(TypeError):
        return memoryview(value).nbytes
    return 0


def _digested(value: Any) -> bytes:
    """Return the digest of one value.

    Raises:
        NoDigest: It is of no kind that is known here.
    """
    match value:
        case None | bool() | int() | float() | complex():
            found = f"{type(value).__name__} {value!r}".encode()
        case str():
            found = b"str " + value.encode("utf-8", "surrogatepass")
        case Mapping():
            items = sorted(_digested(key) + _digested(item) for key, item in value.items())
            found = b"mapping " + b"".join(items)
        case AbstractSet():
            found = b"set " + b"".join(sorted(map(_digested, value)))
        case PathLike():
            found = _of_file(Path(value))
        case io.BytesIO():
            found = _content(value.getbuffer())
        case _ if (fields := _fields(value)) is not None:
            found = _digested({"": type(value).__qualname__, **fields})
        case _:
            found = _of_buffer(value)
    return _of_bytes(found)


def _of_buffer(value: Any) -> bytes:
    try:
        view = memoryview(value)
    except TypeError:
        if isinstance(value, Sequence | Iterator):
            items = _Items()
            for item in value:
                items.add(item)
            return items.digest()
        raise NoDigest(
            f"it returned a {type(value).__name__}, and whether two of those are the same is "
            "for --digest MODULE:FUNCTION to tell"
        ) from None
    if view.format == "O":
        raise NoDigest("it returned an array of objects: name --digest MODULE:FUNCTION")
    if view.format in {"B", "b", "c"} and view.ndim == 1:
        return _content(view)
    return f"{view.format} {view.shape} ".encode() + view.tobytes()


def _fields(value: Any) -> dict[str, Any] | None:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
    return msgspec.structs.asdict(value) if isinstance(value, msgspec.Struct) else None


def _of_file(path: Path) -> bytes:
    content = _Content()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                content.update(chunk)
    except OSError as error:
        raise NoDigest(f"it returned {path}, which cannot be read: {error.strerror}") from error
    return content.digest()


def _content(view: memoryview) -> bytes:
    content = _Content()
    content.update(view.tobytes())
    return content.digest()


class _Items:
    """The digest of a sequence that is seen once. Where all items are bytes, they are one text."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256(b"sequence ")
        self._content: _Content | None = _Content()
        self._any = False

    def add(self, item: Any) -> Any:
        """Take in the next item, and return it."""
        self._any = True
        self._hash.update(_digested(item))
        if not isinstance(item, bytes | bytearray):
            self._content = None
        elif self._content is not None:
            self._content.update(item)
        return item

    def digest(self) -> bytes:
        """Return the digest of all items."""
        joined = self._content if self._any else None
        return self._hash.digest() if joined is None else joined.digest()


class _Content:
    """The digest of bytes that come in parts; of a gzip stream, that of what it holds."""

    def __init__(self) -> None:
        self._raw, self._held = hashlib.sha256(), hashlib.sha256()
        self._start = b""
        self._member: Any = None

    def update(self, data: bytes | bytearray) -> None:
        """Take in the next part."""
        self._raw.update(data)
        if len(self._start) < len(_GZIP):
            self._start += data
            if len(self._start) < len(_GZIP):
                return
            data, self._member = self._start, zlib.decompressobj(wbits=_GZIP_WBITS)
        self._unzip(data)

    def digest(self) -> bytes:
        """Return the digest of all parts."""
        whole = self._member is not None and self._member.eof
        return (self._held if whole else self._raw).digest()

    def _unzip(self, data: bytes | bytearray) -> None:
        while data and self._member is not None:
            if self._member.eof:  # another member follows
                self._member = zlib.decompressobj(wbits=_GZIP_WBITS)
            try:
                self._held.update(self._member.decompress(data))
            except zlib.error:  # it only looked like it
                self._member = None
                return
            data = self._member.unused_data


def _of_bytes(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
