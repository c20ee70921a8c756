"""What damage does to a reader, and what is said of it: where, and in a plain sentence.

Readers do not check every number they follow: a position beyond its section, a code that stands for
nothing or a division by zero ends in one of Python's own exceptions, and `REFUSED` says which ones
damage can cause. TypeError, AttributeError, NameError and AssertionError are not among them. What
the types of values are does not depend on the input: an attribute in a form that it cannot have
is passed over where it is decoded. So one of these is a mistake of ours, whatever the input looks
like, and goes on as a traceback. MemoryError is neither: reads, lists and tables are bounded, so
what runs out is what the process was allowed to have, and the caller says so.
"""

from __future__ import annotations

import errno
import struct
import zlib
from typing import TYPE_CHECKING

from harness.errors import NO_ROOM, InputRejected

if TYPE_CHECKING:
    from harness.symbols.elf import ElfFile

STAGE = "extraction"

REFUSED = (
    *(InputRejected, ArithmeticError, EOFError, LookupError, OSError),
    *(RecursionError, ValueError, struct.error, zlib.error),
)
"""What damage, or a limit, can make a reader raise."""

_REASONS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    ((IndexError, EOFError, struct.error), "an entry or a table runs past its end"),
    (LookupError, "a number stands for nothing known"),
    (ArithmeticError, "a number is too large, or divides by zero"),
    (RecursionError, "entries refer to each other without end"),
    (zlib.error, "compressed data is damaged"),
    (ValueError, "a value cannot be what it says"),
)


def rejection(elf: ElfFile, error: Exception) -> InputRejected:
    """Return what to raise instead of `error`: with the file, and the unit that was being read."""
    if isinstance(error, InputRejected):
        return error.placed(elf.path, elf.unit)
    if isinstance(error, OSError):
        room = error.errno in NO_ROOM
        remedy = "let TMPDIR name a folder with more room" if room else ""
        why = error.strerror or errno.errorcode.get(error.errno or 0, "unknown reason")
        return InputRejected(f"reading or spooling fails: {why}", file=elf.path, remedy=remedy)
    reason = next(reason for kinds, reason in _REASONS if isinstance(error, kinds))
    return InputRejected(f"damaged debug information: {reason}").placed(elf.path, elf.unit)
