"""Proof at the end of a measurement that the instrument which was started is still there.

What is measured may itself stop, reset or replace an instrument, as a library with a profiler of
its own does. What was seen until then would look like a small peak.
"""

from __future__ import annotations

import ctypes

from harness.errors import MeasurementInvalid

STAGE = "other"

_DOMAINS = 3  # raw, mem and object
_POINTERS = 5  # a context, and the functions malloc, calloc, realloc and free
_Functions = ctypes.c_void_p * _POINTERS
_get_allocator = ctypes.pythonapi.PyMem_GetAllocator
_get_allocator.argtypes, _get_allocator.restype = (ctypes.c_int, ctypes.c_void_p), None


class AllocatorGuard:
    """Tells whether Python still allocates by the functions that an instrument put there.

    What it reads them into is set aside beforehand, so that nothing here adds to a peak.
    """

    def __init__(self) -> None:
        self._noted, self._found = _Table(), _Table()
        self.note()  # what ctypes does at the first call only

    def note(self) -> None:
        """Take the functions of this moment for the instrument's."""
        self._noted.read()

    def verify(self, instrument: str) -> None:
        """Refuse the measurement unless they are still the same.

        Raises:
            MeasurementInvalid: They are not.
        """
        self._found.read()
        if bytes(self._noted) != bytes(self._found):
            raise disturbed(instrument, "Python's allocators were replaced")


class _Table:
    """The functions that Python allocates by, in each of its domains."""

    def __init__(self) -> None:
        self._domains = [_Functions() for _ in range(_DOMAINS)]
        self._places = [ctypes.addressof(functions) for functions in self._domains]

    def read(self) -> None:
        """Take those of this moment."""
        for domain in range(_DOMAINS):
            _get_allocator(domain, self._places[domain])

    def __bytes__(self) -> bytes:
        return b"".join(map(bytes, self._domains))


def disturbed(instrument: str, what: str) -> MeasurementInvalid:
    """Return the error that says what was done to an instrument during the measurement."""
    return MeasurementInvalid(
        f"{instrument} was disturbed: {what} while it measured",
        remedy="keep what is measured from using a profiler of its own",
    )


def leave_mark() -> object:
    """Return an object; while it lives, a capture shows where it was made if any is shown."""
    return last_mark()


def last_mark() -> object:
    """Make the object, two calls below where the instrument was started.

    It is of a size for which Python asks the C library.
    """
    return bytearray(1024)
