"""Take a multipart form apart where it lies: in a file, without loading it."""

from __future__ import annotations

import mmap
import os
import re
from email.message import Message
from typing import IO

from msgspec import Struct

from harness.config import KIB

_HEADER_BYTES_MAX = 8 * KIB
_PARAMETER = re.compile(r';\s*([a-z]+)="([^"]*)"')


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
    header = Message()
    header["Content-Type"] = content_type
    if header.get_content_type() != "multipart/form-data" or not header.get_boundary():
        raise FormError(
            f"Content-Type is {content_type!r}, not multipart/form-data with a boundary"
        )
    return str(header.get_boundary()).encode("latin-1", "replace")


def read_parts(file: IO[bytes], boundary: bytes) -> dict[str, Part]:
    """Return the parts by name.

    Raises:
        FormError: The framing is broken, or a part appears twice.
    """
    parts: dict[str, Part] = {}
    if not os.fstat(file.fileno()).st_size:
        raise FormError("the body is empty: no boundary, no parts")
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        delimiter = b"\r\n--" + boundary
        if data[: len(delimiter) - 2] != delimiter[2:]:
            raise FormError("the body does not begin with its boundary")
        position = len(delimiter) - 2
        while data[position : position + 2] != b"--":
            part = _read_part(data, position, delimiter)
            if part.name in parts:
                raise FormError(f"part {part.name!r} appears twice")
            parts[part.name] = part
            position = part.end + len(delimiter)
        if data[position:] != b"--\r\n":
            raise FormError("bytes follow the closing boundary")
    return parts


def _read_part(data: mmap.mmap, position: int, delimiter: bytes) -> Part:
    header_end = data.find(b"\r\n\r\n", position, position + _HEADER_BYTES_MAX)
    if data[position : position + 2] != b"\r\n" or header_end < 0:
        raise FormError("a part has no headers, or the form no closing boundary")
    start = header_end + 4
    end = data.find(delimiter, start)
    if end < 0:
        raise FormError("a part has no end")
    headers = _parse_headers(data[position + 2 : header_end].decode("utf-8", "replace"))
    disposition = headers.get("content-disposition", "")
    parameters = dict(_PARAMETER.findall(disposition))
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
    return {name.strip().lower(): value.strip() for name, _, value in lines}
