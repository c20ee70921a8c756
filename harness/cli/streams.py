"""Keep writing to the two standard streams from ending in a traceback, or in a false success.

Output that cannot be written ends the command in an error, whether the disk is full, the stream
closed or its reader gone: a verdict that nobody can have read is no pass. Where standard error
cannot be written, nobody is left to be told, and the command goes on.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, TextIO

from harness.errors import HarnessError

_STDOUT_FD, _STDERR_FD = 1, 2


class OutputLost(HarnessError):
    """Standard output does not take what there is to say."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"standard output cannot be written: {reason}",
            remedy="send all of it to a file with room, or to /dev/null",
        )


def no_room(error: OSError) -> HarnessError:
    """Return what to say of a full disk or quota that nobody nearer to it has spoken for."""
    place = f"cannot write {error.filename}" if error.filename else "cannot write"
    return HarnessError(
        f"{place}: {error.strerror}", remedy="free some space there, or in the directory of TMPDIR"
    )


def no_memory() -> HarnessError:
    """Return what to say when the process may have no more memory; it says nothing of the input."""
    return HarnessError(
        "this process may have no more memory",
        remedy="raise what it may have (ulimit -v, or that of its container)",
    )


class _Raw(io.FileIO):
    """A descriptor that tells `on_error` what is wrong, once, and swallows what comes after."""

    def __init__(self, descriptor: int, on_error: Callable[[OSError], None]) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._on_error = on_error
        self._lost = False

    def write(self, data: Any, /) -> int:
        size: int = memoryview(data).nbytes
        if self._lost:
            return size
        try:
            return super().write(data)
        except OSError as error:
            self._lost = True
            self._on_error(error)
            return size


@contextmanager
def guarded_output() -> Iterator[None]:
    """Raise when standard output cannot be written, at the latest on leaving.

    Raises:
        OutputLost: It cannot.
    """
    if sys.stdout is None:
        raise OutputLost("it is closed")
    if _is_redirected(sys.stdout, sys.__stdout__):
        yield
        return
    with _on(sys.stdout, _STDOUT_FD, _raise) as stream, redirect_stdout(stream):
        yield


@contextmanager
def quiet_errors() -> Iterator[None]:
    """Go on without standard error when that cannot be written."""
    if sys.stderr is None:
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stderr(nowhere):
            yield
        return
    if _is_redirected(sys.stderr, sys.__stderr__):
        yield
        return
    with _on(sys.stderr, _STDERR_FD, lambda _: None) as stream, redirect_stderr(stream):
        yield


def _is_redirected(now: TextIO, at_start: TextIO | None) -> bool:
    """Tell whether somebody, such as a test, put another stream there and answers for it."""
    return now is not at_start


@contextmanager
def _on(
    old: TextIO, descriptor: int, on_error: Callable[[OSError], None]
) -> Iterator[io.TextIOWrapper]:
    """Yield a stream like `old`, with all that it was given written on leaving."""
    raw = _Raw(descriptor, on_error)
    stream = io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=old.encoding,
        errors=old.errors,
        line_buffering=getattr(old, "line_buffering", False),
    )
    old.flush()
    try:
        yield stream
    finally:
        stream.flush()


def _raise(error: OSError) -> None:
    gone = isinstance(error, BrokenPipeError)
    raise OutputLost("its reader is gone" if gone else str(error.strerror)) from error
