"""Read an envelope back without holding it: one child scope at a time out of a stream of bytes.

The intake reads what it was sent this way, and the streaming pipeline what it has to send in
smaller pieces. No JSON library decodes a document while it arrives, so a scanner finds where each
value ends, by its brackets alone, and msgspec decodes the pieces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from harness.config import MIB
from harness.model import Package, Scope

STAGE = "JSON"

VALUE_BYTES_MAX = 64 * MIB
_Head = TypeVar("_Head")

_SPACE = re.compile(rb"[ \t\r\n]*")
_STRING = rb'"(?:[^"\\]++|\\.)*+"'
_FLAT = rb'(?:[^"{}\[\]]++|' + _STRING + rb")*+"
# Runs over anything without brackets, and over whole objects without brackets inside: most of a
# document is symbols, and they are skipped without coming back to Python.
_NEXT_BRACKET = re.compile(
    rb'(?:[^"{}\[\]]++|' + _STRING + rb"|\{" + _FLAT + rb"\})*+([{}\[\]])", re.DOTALL
)
_SCALAR = re.compile(_STRING + rb"|[^\s\"{}\[\],:]++(?=[\s,\]}])", re.DOTALL)


class WireError(ValueError):
    """The bytes are not an envelope of scopes."""


class JsonScanner:
    """Walks a JSON document that arrives in chunks, keeping only the value it stands before."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = bytearray()
        self._position = 0

    def peek(self) -> bytes:
        """Return the next byte that is not space; nothing at the end of the document."""
        while True:
            match = _SPACE.match(self._buffer, self._position)
            assert match is not None
            self._position = match.end()
            if self._position < len(self._buffer):
                return bytes(self._buffer[self._position : self._position + 1])
            if not self._refill():
                return b""

    def take(self, expected: bytes) -> None:
        """Step over one byte of punctuation."""
        if self.peek() != expected:
            raise WireError(f"expected {expected.decode()!r}, found {self.peek()!r}")
        self._position += 1

    def value(self) -> bytes:
        """Step over one value and return its bytes."""
        size = self._container() if self.peek() in (b"{", b"[") else self._scalar()
        raw = bytes(self._buffer[self._position : self._position + size])
        self._position += size
        return raw

    def iter_keys(self) -> Iterator[str]:
        """Walk an object: yields each key, standing before its value, which the caller consumes."""
        self.take(b"{")
        seen: set[str] = set()
        while self.peek() != b"}":
            if seen:
                self.take(b",")
            key = decode(self.value(), str)
            if key in seen:
                raise WireError(f"key {key!r} appears twice in one object")
            seen.add(key)
            self.take(b":")
            yield key
        self.take(b"}")

    def iter_items(self) -> Iterator[None]:
        """Walk an array: yields before each item, which the caller consumes."""
        self.take(b"[")
        first = True
        while self.peek() != b"]":
            if not first:
                self.take(b",")
            first = False
            yield
        self.take(b"]")

    def _container(self) -> int:
        depth, offset = 1, 1
        while depth:
            match = _NEXT_BRACKET.match(self._buffer, self._position + offset)
            if match is None:
                self._need_more()
                continue
            depth += 1 if match[1] in (b"{", b"[") else -1
            offset = match.end() - self._position
        return offset

    def _scalar(self) -> int:
        while (match := _SCALAR.match(self._buffer, self._position)) is None:
            self._need_more()
        return match.end() - self._position

    def _need_more(self) -> None:
        """Read on until there is twice as much, so that looking again costs no more than once."""
        held = len(self._buffer) - self._position
        if held > VALUE_BYTES_MAX:
            raise WireError(f"a value exceeds {VALUE_BYTES_MAX} bytes, or is not JSON")
        if not self._refill():
            raise WireError("the document ends in the middle of a value")
        while len(self._buffer) < 2 * held and self._refill():
            pass

    def _refill(self) -> bool:
        chunk = next(self._chunks, b"")
        if self._position:
            del self._buffer[: self._position]
            self._position = 0
        self._buffer += chunk
        return bool(chunk)


class EnvelopeReader:
    """The fields of an envelope, and its packages one at a time.

    `fields` is complete only after `iter_packages` has come to its end.
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.fields: dict[str, Any] = {}
        self._scanner = JsonScanner(chunks)

    def iter_packages(self) -> Iterator[Package]:
        """Yield each package; children that the caller leaves behind are skipped.

        Raises:
            WireError: The document is not JSON, or not of the schema.
        """
        for key in self._scanner.iter_keys():
            if key != "scopes":
                self.fields[key] = decode(self._scanner.value(), Any)
                continue
            for _ in self._scanner.iter_items():
                keys = self._scanner.iter_keys()
                package = Package(self._header(keys), "", self._iter_children(keys))
                yield package
                for _child in package.children:
                    pass
        if self._scanner.peek():
            raise WireError("bytes follow the end of the envelope")

    def _header(self, keys: Iterator[str]) -> Scope:
        members: dict[str, msgspec.Raw] = {}
        for key in keys:
            if key == "scopes":
                break
            members[key] = msgspec.Raw(self._scanner.value())
        return decode(msgspec.json.encode(members), Scope)

    def _iter_children(self, keys: Iterator[str]) -> Iterator[Scope]:
        # Before a package without children the closing brace has been taken already.
        if self._scanner.peek() == b"[":
            for _ in self._scanner.iter_items():
                yield decode(self._scanner.value(), Scope)
            for key in keys:
                raise WireError(f"key {key!r} follows the scopes of a package")


def decode(raw: bytes, kind: type[_Head]) -> _Head:
    """Decode one value, checking it against `kind`."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"not of the schema: {error}") from None


def read_head(chunks: Iterator[bytes], kind: type[_Head]) -> _Head:
    """Return the fields of an envelope that stand before its scopes, reading no further."""
    scanner = JsonScanner(chunks)
    members: dict[str, msgspec.Raw] = {}
    for key in scanner.iter_keys():
        if key == "scopes":
            break
        members[key] = msgspec.Raw(scanner.value())
    return decode(msgspec.json.encode(members), kind)
