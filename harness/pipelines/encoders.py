"""JSON encoders by name, the same for every pipeline in a comparison.

All three write the same bytes for the same scopes. They differ in what they allocate on the way:
msgspec encodes straight from the structs; json and orjson need a dictionary tree first.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol

import msgspec
import orjson

from harness.errors import ConfigError, PipelineError
from harness.model import Scope

STAGE = "JSON"

Encodable = Scope | list[Scope] | str
# What the three libraries raise for a value they cannot write.
ENCODING_ERRORS = (ValueError, TypeError, RecursionError)


class Library(Protocol):
    """What msgspec's encoder offers, and the others are made to offer."""

    def encode(self, value: Encodable, /) -> bytes:
        """Return the JSON of `value`."""
        ...

    def encode_into(self, value: Encodable, buffer: bytearray, offset: int, /) -> None:
        """Write the JSON of `value` into a buffer, which ends with it.

        `offset` is at most one octet behind the end of what the buffer holds.
        """
        ...


class Encoder:
    """Turns a scope, a list of scopes or a string into compact JSON.

    `write_at` is the library's own `encode_into`: what the loop over all scopes calls, without a
    frame of ours in between. It fails with ENCODING_ERRORS, as the library does.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self.write_at = library.encode_into

    def encode(self, value: Encodable) -> bytes:
        """Return the JSON of `value` as one bytes object."""
        try:
            return self._library.encode(value)
        except ENCODING_ERRORS as error:
            raise unencodable(error) from error

    def append(self, value: Encodable, buffer: bytearray) -> None:
        """Write the JSON of `value` behind what `buffer` holds."""
        try:
            self.write_at(value, buffer, len(buffer))
        except ENCODING_ERRORS as error:
            raise unencodable(error) from error


class _FromBuiltins:
    """A library that knows only built-in types, and is given a dictionary tree."""

    def __init__(self, dumps: Callable[[Any], bytes]) -> None:
        self._dumps = dumps

    def encode(self, value: Encodable) -> bytes:
        return self._dumps(msgspec.to_builtins(value))

    def encode_into(self, value: Encodable, buffer: bytearray, offset: int) -> None:
        if offset == len(buffer):
            buffer += self.encode(value)
            return
        if offset > len(buffer):
            buffer.append(0)
        buffer[offset:] = self.encode(value)


def unencodable(error: Exception) -> PipelineError:
    """Return the error that says so of a library's."""
    return PipelineError(f"a scope cannot be encoded as JSON: {error}")


def _dump_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


_LIBRARIES: dict[str, Callable[[], Library]] = {
    "json": lambda: _FromBuiltins(_dump_json),
    "orjson": lambda: _FromBuiltins(orjson.dumps),
    "msgspec": msgspec.json.Encoder,
}
ENCODER_NAMES = tuple(_LIBRARIES)


def make_encoder(name: str) -> Encoder:
    """Return a fresh encoder.

    Raises:
        ConfigError: No encoder has that name.
    """
    if name not in _LIBRARIES:
        raise ConfigError(
            f"there is no encoder called {name!r}", remedy=f"choose from {', '.join(ENCODER_NAMES)}"
        )
    return Encoder(_LIBRARIES[name]())
