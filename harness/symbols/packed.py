"""Compressed sections: inflated once, into unlinked temporary files.

Zlib is Python's own. Zstandard is from Python 3.14 on; before, it is an extra.
"""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from harness.errors import InputRejected
from harness.symbols.sections import Section

if TYPE_CHECKING:
    from harness.symbols.headers import ByteOrder

STAGE = "extraction"

_PIECE_BYTES = 64 * 1024
_GNU_HEADER_BYTES = 12
_ZLIB, _ZSTD = 1, 2
_METHODS = {_ZLIB: "zlib", _ZSTD: "zstd"}
_UNPACK = "unpack it with `objcopy --decompress-debug-sections`"


class Packing(NamedTuple):
    """What the header of a compressed section says: `size` is that of what comes out."""

    method: str
    header_bytes: int
    size: int


def gnu_packing(packed: Section) -> Packing:
    """Read the header of a `.zdebug_` section.

    Raises:
        InputRejected: It is none.
    """
    head = packed.read(0, _GNU_HEADER_BYTES)
    if head[:4] != b"ZLIB":
        raise InputRejected("no ZLIB header", section=packed.name, offset=0)
    return Packing("zlib", _GNU_HEADER_BYTES, int.from_bytes(head[4:], "big"))


def elf_packing(packed: Section, order: ByteOrder, *, wide: bool) -> Packing:
    """Read the header of a section that its flags call compressed; `wide` in a 64-bit file.

    Raises:
        InputRejected: The method is not known.
    """
    head = packed.read(0, 24 if wide else 12)
    kind = int.from_bytes(head[:4], order)
    if kind not in _METHODS:
        reason = f"compressed with method {kind}, zlib and zstd are read"
        raise InputRejected(reason, section=packed.name, offset=0, remedy=_UNPACK)
    size = int.from_bytes(head[8:16] if wide else head[4:8], order)
    return Packing(_METHODS[kind], len(head), size)


def inflate(packed: Section, packing: Packing, check_time: Callable[[], None]) -> Section:
    """Inflate a section; exactly as much must come out as its header says.

    `check_time` is called every 64 KiB and raises once it has taken too long.

    Raises:
        InputRejected: The data is damaged, or not as large as declared.
    """
    iter_pieces = _iter_zlib if packing.method == "zlib" else _iter_zstd

    def fill(file: IO[bytes]) -> None:
        written = 0
        for piece in iter_pieces(packed, packing.header_bytes):
            check_time()
            written += file.write(piece)
            if written > packing.size:
                break
        if written != packing.size:
            reason = f"inflates to {written} bytes, its header says {packing.size}"
            raise InputRejected(reason, section=packed.name, offset=0)

    return spooled(packed.name, fill, packed.address)


def joined(name: str, pieces: Iterator[Section], check_time: Callable[[], None]) -> Section:
    """Return sections as one, in their order; each is released once it is copied."""

    def fill(file: IO[bytes]) -> None:
        for piece in pieces:
            copy(piece, file, check_time)
            piece.release()

    return spooled(name, fill)


def copy(section: Section, file: IO[bytes], check_time: Callable[[], None]) -> None:
    """Write a section into a file."""
    for start in range(0, section.size, _PIECE_BYTES):
        check_time()
        file.write(section.window(start, _PIECE_BYTES))


def spooled(name: str, fill: Callable[[IO[bytes]], None], address: int = 0) -> Section:
    """Return what `fill` writes into an unlinked temporary file as a section."""
    file = tempfile.TemporaryFile(prefix="harness-section-")  # noqa: SIM115 - lives with the section
    try:
        fill(file)
        size = file.tell()
        file.flush()
    except BaseException:
        file.close()
        raise
    section = Section(name, file.fileno(), 0, size, address)
    section.keep(file)
    return section


def _iter_zlib(packed: Section, offset: int) -> Iterator[bytes]:
    inflater = zlib.decompressobj()
    try:
        while not inflater.eof:
            feed = inflater.unconsumed_tail
            if not feed:
                feed = packed.window(offset, _PIECE_BYTES)
                offset += len(feed)
            data = inflater.decompress(feed, _PIECE_BYTES)
            yield data
            if not feed and not data:
                return
    except zlib.error as error:
        raise InputRejected(f"bad zlib data: {error}", section=packed.name, offset=offset) from None


def _iter_zstd(packed: Section, offset: int) -> Iterator[bytes]:
    """Yield what a sequence of frames inflates to: some linkers write one for each piece."""
    zstd = _load_zstd(packed)
    feed = b""
    try:
        while feed or offset < packed.size:
            inflater = zstd.ZstdDecompressor()
            while not inflater.eof:
                if not feed and inflater.needs_input:
                    feed = packed.window(offset, _PIECE_BYTES)
                    offset += len(feed)
                    if not feed:
                        return
                yield inflater.decompress(feed, _PIECE_BYTES)
                feed = b""
            feed = inflater.unused_data
    except zstd.ZstdError as error:
        raise InputRejected(f"bad zstd data: {error}", section=packed.name, offset=offset) from None


def _load_zstd(packed: Section) -> Any:
    try:
        from compression import zstd  # noqa: PLC0415 - Python 3.14 has it
    except ModuleNotFoundError:
        try:
            from backports import zstd  # noqa: PLC0415 - an extra may be missing
        except ModuleNotFoundError:
            raise InputRejected(
                "compressed with zstd, which needs backports.zstd, which is not installed",
                section=packed.name,
                offset=0,
                remedy=f"python -m pip install 'heapharness[zstd]', or {_UNPACK}",
            ) from None
    return zstd
