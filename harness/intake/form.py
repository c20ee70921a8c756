"""Take a multipart form apart where it lies: in a file, without loading it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import IO

from msgspec import Struct

from harness.config import KIB

_HEADER_BYTES_MAX = 8 * KIB
_CHUNK_BYTES = 64 * KIB
_PARTS_MAX = 2
_BOUNDARY = re.compile(r"[-0-9A-Za-z'()+_,./:=? ]{0,69}[-0-9A-Za-z'()+_,./:=?]")
_PARAMETER = re.compile(r';\s*([^=;\s]+)\s*=\s*("[^"]*"|[^;\s]*)')


class FormError(ValueError):
    """The body is not the multipart form it claims to be."""


class Part(Struct):
    """One part: where its content lies in the file, and what its headers say."""

    name: str
    filename: str
    content_type: str
    start: int
    end: int


def read_boundary(content_type: str) -> bytes:
    """Return the boundary that a Content-Type header names."""
    kind, separator, rest = content_type.partition(";")
    named = _named(separator + rest, "Content-Type")
    boundary = _BOUNDARY.fullmatch(named.get("boundary", ""))
    if kind.strip().lower() != "multipart/form-data" or boundary is None:
        raise FormError(
            f"Content-Type is {content_type!r}, not multipart/form-data with a boundary"
        )
    return boundary[0].encode()


class _Pages:
    """A file that is searched a piece at a time: mapped, all of it would count as memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._descriptor = file.fileno()
        self.size = os.fstat(self._descriptor).st_size

    def read(self, start: int, size: int) -> bytes:
        return os.pread(self._descriptor, size, start)

    def find(self, wanted: bytes, start: int) -> int:
        """Return where `wanted` is, from `start` on; -1 if it is nowhere."""
        while start < self.size:
            data = self.read(start, _CHUNK_BYTES + len(wanted))
            if (found := data.find(wanted)) >= 0:
                return start + found
            start += _CHUNK_BYTES
        return -1


def read_parts(file: IO[bytes], boundary: bytes) -> dict[str, Part]:
    """Return the parts by name.

    Raises:
        FormError: The framing is broken, a part appears twice, or there are more than two.
    """
    parts: dict[str, Part] = {}
    data = _Pages(file)
    if not data.size:
        raise FormError("the body is empty: no boundary, no parts")
    delimiter = b"\r\n--" + boundary
    position = len(delimiter) - 2
    if data.read(0, position) != delimiter[2:]:
        raise FormError("the body does not begin with its boundary")
    while data.read(position, 2) != b"--":
        part = _read_part(data, position, delimiter)
        if part.name in parts:
            raise FormError(f"part {part.name!r} appears twice")
        if len(parts) == _PARTS_MAX:
            raise FormError(f"part {part.name!r} is one more than file and event")
        parts[part.name] = part
        position = part.end + len(delimiter)
    if data.read(position, 5) != b"--\r\n":
        raise FormError("bytes follow the closing boundary")
    return parts


def _read_part(data: _Pages, position: int, delimiter: bytes) -> Part:
    head, separator, _ = data.read(position, _HEADER_BYTES_MAX).partition(b"\r\n\r\n")
    if not head.startswith(b"\r\n") or not separator:
        raise FormError("a part has no headers, or the form no closing boundary")
    start = position + len(head) + len(separator)
    end = data.find(delimiter, start)
    if end < 0:
        raise FormError("a part has no end")
    headers = _parse_headers(head[2:].decode("utf-8", "replace"))
    disposition = headers.get("content-disposition", "")
    parameters = _named(disposition, "a part")
    if not disposition.startswith("form-data;") or "name" not in parameters:
        raise FormError("a part has no form-data name")
    return Part(
        name=parameters["name"],
        filename=parameters.get("filename", ""),
        content_type=headers.get("content-type", ""),
        start=start,
        end=end,
    )


def _parse_headers(text: str) -> dict[str, str]:
    lines = (line.partition(":") for line in text.split("\r\n"))
    return _once(((name.strip().lower(), value.strip()) for name, _, value in lines), "a part")


def _named(text: str, owner: str) -> dict[str, str]:
    """Return the parameters behind the first semicolon of a header, in plain spelling only."""
    found = _PARAMETER.findall(text)
    return _once(((name.lower(), value.strip('"')) for name, value in found), owner)


def _once(pairs: Iterable[tuple[str, str]], owner: str) -> dict[str, str]:
    """Return pairs by name; said twice, it is not known what is meant."""
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise FormError(f"{name!r} of {owner} is given twice")
        found[name] = value
    return found
