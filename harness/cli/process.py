"""How a command begins and ends: signals, the two standard streams, one line and an exit code.

Output that cannot be written ends the command in an error, whether the disk is full, the stream
closed or its reader gone: a verdict that nobody can have read is no pass. Where standard error
cannot be written, nobody is left to be told, and the command goes on.

Nothing here loads typer or rich before a verb needs it: `--help` and `--version` answer at once.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO

import harness
from harness.cli.overview import overview
from harness.errors import NO_ROOM, ExitCode, HarnessError

_STDOUT_FD, _STDERR_FD = 1, 2
_COMPLETING = "_HARNESS_COMPLETE"  # set by the shell that asks how a command may go on
_NO_SEGMENT = "failed to map segment"  # of a library, for want of address space


def main() -> None:
    """Run the command line, and exit with one of the documented codes."""
    _end_in_order_on_signals()
    # One core is enough for what is computed here. For each further one OpenBLAS takes tens of
    # megabytes of address space when it is loaded, and tries for minutes where that is not allowed.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with quiet_errors():
        code = _run()
    if code == ExitCode.INTERRUPTED:
        # Python ends itself by SIGINT where the interrupt came into an `exec`, taken or not.
        os._exit(code)
    sys.exit(code)


def _run() -> int:
    try:
        with guarded_output():
            return _answer(sys.argv[1:])
    except HarnessError as error:
        return _report(error)
    except OSError as error:
        if error.errno not in (*NO_ROOM, errno.ENOMEM):
            raise
        return _report(_no_memory() if error.errno == errno.ENOMEM else _no_room(error))
    except MemoryError:
        return _report(_no_memory())
    except ImportError as error:
        if _NO_SEGMENT not in str(error):
            raise
        return _report(_no_memory())
    except (KeyboardInterrupt, RuntimeError) as error:
        # Python 3.11 makes the latter of an interrupt into `__set_name__`, as while it imports.
        if not isinstance(error.__cause__ or error, KeyboardInterrupt):
            raise
        sys.stderr.write("interrupted\n")
        return ExitCode.INTERRUPTED


def _answer(arguments: list[str]) -> int:
    """Say what can be said without any verb, or run one; return the exit code."""
    match arguments:
        case [] | ["-h" | "--help", *_] if _COMPLETING not in os.environ:
            print(overview())
            return ExitCode.OK if arguments else ExitCode.USAGE
        case ["--version", *_]:
            print(harness.__version__)
        case _:
            from harness.cli.app import app  # noqa: PLC0415 - typer

            try:
                # What completes is the command, however it was called to say so.
                completes = any(one.endswith("-completion") for one in arguments[:1])
                app(standalone_mode=True, prog_name="harness" if completes else None)
            except SystemExit as ended:
                if ended.code == ExitCode.INTERRUPTED:  # typer ends without a word
                    raise KeyboardInterrupt from None
                raise
    return ExitCode.OK


def _report(error: HarnessError) -> int:
    """Print one line: the thing, the reason, the remedy. Control characters cannot act."""
    from rich.text import Text  # noqa: PLC0415 - only who has failed waits for it

    from harness.cli.output import error_console  # noqa: PLC0415
    from harness.stats.labels import inert  # noqa: PLC0415

    error_console().print(Text.assemble(("error: ", "bold red"), inert(str(error))))
    return error.exit_code


def _end_in_order_on_signals() -> None:
    """Let SIGTERM do what Ctrl-C does: end every child, and say what is kept.

    Where the caller had Ctrl-C ignored, as `nohup` and shells in the background do, it stays so.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)


class OutputLost(HarnessError):
    """Standard output does not take what there is to say."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"standard output cannot be written: {reason}",
            remedy="send all of it to a file with room, or to /dev/null",
        )


def _no_room(error: OSError) -> HarnessError:
    """Return what to say of a full disk or quota that nobody nearer to it has spoken for."""
    place = f"cannot write {error.filename}" if error.filename else "cannot write"
    return HarnessError(
        f"{place}: {error.strerror}", remedy="free some space there, or in the directory of TMPDIR"
    )


def _no_memory() -> HarnessError:
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
def dispensable_output() -> Iterator[None]:
    """Print what is in files as well: that nobody takes it is said, and decides nothing."""
    try:
        yield
        sys.stdout.flush()
    except OutputLost as error:
        sys.stderr.write(f"warning: {error}\n")


@contextmanager
def guarded_output() -> Iterator[None]:
    """Raise when standard output cannot be written, at the latest on leaving.

    Raises:
        OutputLost: It cannot.
    """
    guarded = _guarded(sys.stdout, sys.__stdout__, _STDOUT_FD, _raise)
    with guarded as stream, redirect_stdout(stream):
        yield


@contextmanager
def quiet_errors() -> Iterator[None]:
    """Go on without standard error when that cannot be written."""
    guarded = _guarded(sys.stderr, sys.__stderr__, _STDERR_FD, lambda _: None)
    with guarded as stream, redirect_stderr(stream):
        yield


@contextmanager
def _guarded(
    now: TextIO | None,
    at_start: TextIO | None,
    descriptor: int,
    on_error: Callable[[OSError], None],
) -> Iterator[TextIO]:
    """Yield a stream like that of now, with all that it was given written on leaving.

    A path need not be text: what cannot be encoded is written as an escape.
    """
    if now is None:  # else the next file that is opened takes its place, and is printed into
        os.dup2(os.open(os.devnull, os.O_RDONLY), descriptor)
    elif now is at_start:
        now.flush()
    else:  # somebody, such as a test, put another stream there and answers for it
        yield now
        return
    stream = io.TextIOWrapper(
        io.BufferedWriter(_Raw(descriptor, on_error)),
        encoding=now.encoding if now else "utf-8",
        errors="backslashreplace",
        line_buffering=getattr(now, "line_buffering", False),
    )
    try:
        yield stream
    finally:
        stream.flush()


def _raise(error: OSError) -> None:
    reasons = {errno.EPIPE: "its reader is gone", errno.EBADF: "it is closed"}
    raise OutputLost(reasons.get(error.errno or 0, str(error.strerror))) from error
