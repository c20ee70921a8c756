"""Sections compressed with zstd: an extra before Python 3.14, and one clear line without it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.config import MIB, Limits, SymbolOptions
from harness.errors import InputRejected
from harness.tests.symbols import crafted
from harness.tests.symbols.binaries import FIXTURES, drain_file, scopes_of

PACKED = FIXTURES / "elsewhere" / "zstd.so"


@pytest.fixture
def zstd() -> Any:
    """Return what compresses: an extra before Python 3.14."""
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    return pytest.importorskip(name)


@pytest.mark.usefixtures("zstd")
def test_a_binary_compressed_with_zstd_is_the_binary() -> None:
    assert scopes_of(PACKED) == scopes_of(FIXTURES / "c" / "dwarf5.so")


@pytest.mark.parametrize(
    ("pack", "reason"),
    [
        (lambda data: data, ""),
        (lambda data: data[: len(data) // 2], "inflates to .* bytes, its header says"),
        (lambda data: data[:4] + b"\xff" * 8 + data[12:], "bad zstd data: "),
        (lambda _: b"", "inflates to 0 bytes, its header says"),
    ],
    ids=["frames", "cut", "damaged", "empty"],
)
def test_damage_is_told_from_several_frames(
    tmp_path: Path, zstd: Any, pack: Callable[[bytes], bytes], reason: str
) -> None:
    def squeeze(content: bytes) -> bytes:
        half = len(content) // 2
        return pack(zstd.compress(content[:half]) + zstd.compress(content[half:]))

    path = tmp_path / "packed.so"
    path.write_bytes(crafted.line_rows(30, packing=(2, squeeze)))
    if not reason:
        drain_file(path)
        return
    with pytest.raises(InputRejected, match=reason):
        drain_file(path)


def test_a_bomb_of_zstd_stops_at_the_limit(tmp_path: Path, zstd: Any) -> None:
    path = tmp_path / "packed.so"
    path.write_bytes(crafted.line_rows(3_000_000, packing=(2, zstd.compress)))
    with pytest.raises(InputRejected, match="more than 1048576 bytes"):
        drain_file(path, SymbolOptions(limits=Limits(inflated_bytes=MIB)))


def test_a_missing_library_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("compression", "compression.zstd", "backports", "backports.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        InputRejected, match=r"needs backports\.zstd.*install 'heapharness\[zstd\]'"
    ):
        drain_file(PACKED)
