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
WriteAt = Callable[[Encodable, bytearray, int], None]


class Encoder(Protocol):
    """Turns a scope, a list of scopes or a string into compact JSON."""

    @property
    def write_at(self) -> WriteAt:
        """What the loop over all scopes calls, without a frame of ours in between.

        Writes the JSON of a value into a buffer from a position on, at most one octet behind its
        end; the buffer ends with it. Fails with ENCODING_ERRORS, as the library does.
        """
        ...

    def encode(self, value: Encodable) -> bytes:
        """Return the JSON of `value` as one bytes object."""
        ...

    def append(self, value: Encodable, buffer: bytearray) -> None:
        """Write the JSON of `value` behind what `buffer` holds."""
        ...


class MsgspecEncoder:
    """Encodes structs directly, and into the caller's buffer without a bytes object between."""

    def __init__(self) -> None:
        self._encoder = msgspec.json.Encoder()
        self.write_at: WriteAt = self._encoder.encode_into

    def encode(self, value: Encodable) -> bytes:
        """Return the JSON of `value` as one bytes object."""
        try:
            return self._encoder.encode(value)
        except ENCODING_ERRORS as error:
            raise unencodable(error) from error

    def append(self, value: Encodable, buffer: bytearray) -> None:
        """Write the JSON of `value` behind what `buffer` holds."""
        try:
            self._encoder.encode_into(value, buffer, -1)
        except ENCODING_ERRORS as error:
            raise unencodable(error) from error


class BuiltinsEncoder:
    """Encodes by way of a dictionary tree, for libraries that know only built-in types."""

    def __init__(self, dumps: Callable[[Any], bytes]) -> None:
        self._dumps = dumps

    def encode(self, value: Encodable) -> bytes:
        """Return the JSON of `value` as one bytes object."""
        try:
            return self._dumps(msgspec.to_builtins(value))
        except ENCODING_ERRORS as error:
            raise unencodable(error) from error

    def append(self, value: Encodable, buffer: bytearray) -> None:
        """Write the JSON of `value` behind what `buffer` holds."""
        buffer += self.encode(value)

    def write_at(self, value: Encodable, buffer: bytearray, at: int) -> None:
        """Write the JSON of `value` into a buffer from `at` on."""
        if at > len(buffer):
            buffer.append(0)
        buffer[at:] = self._dumps(msgspec.to_builtins(value))


# What the three libraries raise for a value they cannot write.
ENCODING_ERRORS = (ValueError, TypeError, RecursionError)


def unencodable(error: Exception) -> PipelineError:
    """Return the error that says so of a library's."""
    return PipelineError(f"a scope cannot be encoded as JSON: {error}")


def _dump_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


_ENCODERS: dict[str, Callable[[], Encoder]] = {
    "json": lambda: BuiltinsEncoder(_dump_json),
    "orjson": lambda: BuiltinsEncoder(orjson.dumps),
    "msgspec": MsgspecEncoder,
}
ENCODER_NAMES = tuple(_ENCODERS)


def make_encoder(name: str) -> Encoder:
    """Return a fresh encoder.

    Raises:
        ConfigError: No encoder has that name.
    """
    if name not in _ENCODERS:
        raise ConfigError(
            f"there is no encoder called {name!r}", remedy=f"choose from {', '.join(ENCODER_NAMES)}"
        )
    return _ENCODERS[name]()
