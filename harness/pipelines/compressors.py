"""Gzip compressors by name: zlib from the standard library, zlib-ng and isal as extras.

All of them write the same format, a single gzip member. They differ in speed, in size, and in how
much compressed data they hold back: what a threshold is tested against lags behind by that much.
"""

from __future__ import annotations

import importlib
import zlib
from typing import Protocol, cast

from msgspec import structs

from harness.config import KIB, PipelineOptions
from harness.errors import ConfigError

STAGE = "gzip"

# zlib, zlib-ng and isal agree on these numbers: 15 bits of window, plus 16 for a gzip wrapper.
_GZIP_WBITS = 31
_MODULES = {"zlib": "zlib", "zlib-ng": "zlib_ng.zlib_ng", "isal": "isal.isal_zlib"}
# Level 0 of isal codes everything with one fixed table: it keeps no promise about expansion.
_LEVELS = {"zlib": range(10), "zlib-ng": range(10), "isal": range(1, 4)}
COMPRESSOR_NAMES = tuple(_LEVELS)
# Until a block is complete, deflate keeps at most four octets for each of its 16,384 symbols.
# Twice that; of the others no such bound is known.
_HELD_BACK_BYTES = {"zlib": 128 * KIB}

GZIP_TRAILER_BYTES = 8


class Compressor(Protocol):
    """One gzip member being written."""

    def compress(self, data: bytes | bytearray | memoryview, /) -> bytes:
        """Take in `data`; return what is ready to be written, often nothing."""
        ...

    def flush(self, mode: int = zlib.Z_FINISH, /) -> bytes:
        """Return what was held back, and with the default mode the gzip trailer too."""
        ...


def worst_case_bytes(raw_bytes: int) -> int:
    """Return how much gzip can grow by, at most, for `raw_bytes` since it was last flushed.

    Nine bits for each literal of a fixed Huffman block, plus block headers and a sync flush: what
    zlib itself promises in `deflateBound` for its least favourable settings, rounded up. Stored
    blocks, which every compressor here falls back to, are smaller.
    """
    return raw_bytes + (raw_bytes >> 3) + (raw_bytes >> 8) + (raw_bytes >> 9) + 64


def safe_raw_bytes(compressed_bytes: int) -> int:
    """Return how many raw bytes grow to no more than `compressed_bytes`: less than 0 if none do."""
    return (compressed_bytes - 64) * 512 // (512 + 64 + 2 + 1)


def held_back_bytes(name: str) -> int | None:
    """Return how much output a compressor keeps to itself at most; None if nobody knows."""
    return _HELD_BACK_BYTES.get(name)


def default_level(name: str) -> int:
    """Return the level of `PipelineOptions`, or for isal, which does not have it, its fastest."""
    usual = PipelineOptions().level
    levels = _LEVELS.get(name, (usual,))
    return usual if usual in levels else levels[0]


def at_default_level(options: PipelineOptions) -> PipelineOptions:
    """Return the options with the level that their compressor has by default."""
    return structs.replace(options, level=default_level(options.compressor))


def make_compressor(name: str, level: int) -> Compressor:
    """Return a compressor at the start of a fresh gzip member.

    Raises:
        ConfigError: The name is unknown, the level is out of range, or the extra is not installed.
    """
    if name not in _LEVELS:
        raise ConfigError(
            f"there is no compressor called {name!r}",
            remedy=f"choose from {', '.join(COMPRESSOR_NAMES)}",
        )
    if level not in _LEVELS[name]:
        raise ConfigError(
            f"{name} has no level {level}",
            remedy=f"choose from {_LEVELS[name][0]} to {_LEVELS[name][-1]}",
        )
    try:
        module = importlib.import_module(_MODULES[name])
    except ImportError:
        raise ConfigError(
            f"compressor {name!r} is not installed",
            remedy=f"python -m pip install {name}, or choose --compressor zlib",
        ) from None
    return cast("Compressor", module.compressobj(level, zlib.DEFLATED, _GZIP_WBITS))
