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
DEPTH_MAX = 512
_Head = TypeVar("_Head")

_SPACE = re.compile(rb"[ \t\r\n]*")
_STRING = rb'"(?:[^"\\]++|\\.)*+"'
_FLAT = rb'(?:[^"{}\[\]]++|' + _STRING + rb")*+"
# Runs over anything without brackets, and over whole objects and lists without brackets inside:
# most of a document is symbols, and they are skipped without coming back to Python.
_RUN = rb'(?:[^"{}\[\]]++|' + _STRING + rb"|\{" + _FLAT + rb"\}|\[" + _FLAT + rb"\])*+"
_SKIPPED = re.compile(_RUN, re.DOTALL)
_NEXT_BRACKET = re.compile(_RUN + rb"([{}\[\]])", re.DOTALL)
_SCALAR = re.compile(_STRING + rb"|[^\s\"{}\[\],:]++(?=[\s,\]}])", re.DOTALL)


class WireError(ValueError):
    """The bytes are not an envelope of scopes."""


class WireLimits(msgspec.Struct, frozen=True):
    """How much of an envelope may be held: one scope, one other value or key, keys, nesting."""

    scope_bytes: int = VALUE_BYTES_MAX
    text_bytes: int = VALUE_BYTES_MAX
    keys: int = 1000
    depth: int = DEPTH_MAX


OWN = WireLimits()  # for what was written in this process


class JsonScanner:
    """Walks a JSON document that arrives in chunks, keeping only the value it stands before."""

    def __init__(self, chunks: Iterator[bytes], limits: WireLimits = OWN) -> None:
        self._limits = limits
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

    def value(self, bytes_max: int = VALUE_BYTES_MAX) -> bytes:
        """Step over one value and return its bytes, `bytes_max` of them at most."""
        container = self.peek() in (b"{", b"[")
        size = self._container(bytes_max) if container else self._scalar(bytes_max)
        if size > bytes_max:
            raise _too_large(bytes_max)
        raw = bytes(self._buffer[self._position : self._position + size])
        self._position += size
        return raw

    def text(self) -> bytes:
        """Step over a key, or a value that is no scope, and return its bytes."""
        return self.value(self._limits.text_bytes)

    def scope(self) -> bytes:
        """Step over a scope and return its bytes."""
        return self.value(self._limits.scope_bytes)

    def skip(self) -> None:
        """Step over one value, however large, and hold nothing of it."""
        if self.peek() not in (b"{", b"["):
            self.scope()
            return
        depth = 0
        while True:
            bracket = bytes(self._buffer[self._position : self._position + 1])
            if bracket in (b'"', b""):  # a string that has not arrived yet
                self._need_more(self._limits.scope_bytes)
            else:
                depth = self._deeper(depth, bracket)
                self._position += 1
            if not depth:
                return
            match = _SKIPPED.match(self._buffer, self._position)
            assert match is not None
            self._position = match.end()

    def iter_keys(self) -> Iterator[str]:
        """Walk an object: yields each key, standing before its value, which the caller consumes."""
        self.take(b"{")
        seen: set[str] = set()
        while self.peek() != b"}":
            if seen:
                self.take(b",")
            key = decode(self.text(), str)
            if key in seen:
                raise WireError(f"key {key!r} appears twice in one object")
            if len(seen) == self._limits.keys:
                raise WireError(f"an object has more than {self._limits.keys} keys")
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

    def _container(self, bytes_max: int) -> int:
        depth, offset = 1, 1
        while depth:
            match = _NEXT_BRACKET.match(self._buffer, self._position + offset)
            if match is None:
                self._need_more(bytes_max)
                continue
            depth = self._deeper(depth, match[1])
            offset = match.end() - self._position
        return offset

    def _deeper(self, depth: int, bracket: bytes) -> int:
        if bracket not in (b"{", b"["):
            return depth - 1
        if depth == self._limits.depth:
            raise WireError(f"values are nested more than {depth} deep")
        return depth + 1

    def _scalar(self, bytes_max: int) -> int:
        while (match := _SCALAR.match(self._buffer, self._position)) is None:
            self._need_more(bytes_max)
        return match.end() - self._position

    def _need_more(self, bytes_max: int) -> None:
        """Read on until there is twice as much, so that looking again costs no more than once."""
        held = len(self._buffer) - self._position
        if held > bytes_max:
            raise _too_large(bytes_max)
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


def _too_large(bytes_max: int) -> WireError:
    return WireError(f"a value exceeds {bytes_max} bytes, or is not JSON")


def _refuse_unknown(key: str, known: frozenset[str], owner: str) -> None:
    """Refuse a key before its value is looked at, which may be anything."""
    if key not in known:
        raise WireError(f"not of the schema: unknown field: {owner} has unknown keys: {key}")


_PACKAGE_KEYS = frozenset(Scope.__struct_fields__)


class EnvelopeReader:
    """The fields of an envelope, and its packages one at a time.

    `fields` is complete only after `iter_packages` has come to its end. With `known`, other keys
    are refused.
    """

    def __init__(
        self,
        chunks: Iterator[bytes],
        limits: WireLimits = OWN,
        known: frozenset[str] | None = None,
    ) -> None:
        self.fields: dict[str, Any] = {}
        self._known = known
        self._scanner = JsonScanner(chunks, limits)

    def iter_packages(self) -> Iterator[Package]:
        """Yield each package; children that the caller leaves behind are skipped.

        Raises:
            WireError: The document is not JSON, or not of the schema.
        """
        for key in self._scanner.iter_keys():
            if key != "scopes":
                if self._known is not None:
                    _refuse_unknown(key, self._known, "the envelope")
                self.fields[key] = decode(self._scanner.text(), Any)
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
            _refuse_unknown(key, _PACKAGE_KEYS, "a package")
            members[key] = msgspec.Raw(self._scanner.scope())
        return decode(msgspec.json.encode(members), Scope)

    def _iter_children(self, keys: Iterator[str]) -> Iterator[Scope]:
        # Before a package without children the closing brace has been taken already.
        if self._scanner.peek() == b"[":
            for _ in self._scanner.iter_items():
                yield decode(self._scanner.scope(), Scope)
            for key in keys:
                raise WireError(f"key {key!r} follows the scopes of a package")


def decode(raw: bytes, kind: type[_Head]) -> _Head:
    """Decode one value, checking it against `kind`."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"not of the schema: {error}") from None


def read_head(
    chunks: Iterator[bytes],
    kind: type[_Head],
    needed: frozenset[str],
    limits: WireLimits = OWN,
) -> _Head:
    """Return the fields of an envelope beside its scopes.

    Once those that are `needed` have been read, nothing behind the scopes is.
    """
    scanner = JsonScanner(chunks, limits)
    known = frozenset(field.name for field in msgspec.structs.fields(kind))  # type: ignore[arg-type]
    members: dict[str, msgspec.Raw] = {}
    for key in scanner.iter_keys():
        if key == "scopes":
            if needed <= members.keys():
                break
            for _ in scanner.iter_items():
                scanner.skip()
            continue
        _refuse_unknown(key, known, "the envelope")
        members[key] = msgspec.Raw(scanner.text())
    return decode(msgspec.json.encode(members), kind)
