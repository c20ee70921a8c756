"""The two streams: results on standard output, everything about them on standard error."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.text import Text

from harness.errors import HarnessError
from harness.stats.labels import inert


def error_console() -> Console:
    """Return a console on standard error; honours NO_COLOR and pipes."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def output_console() -> Console:
    """Return a console on standard output, for tables."""
    return Console(highlight=False)


def report_error(error: HarnessError) -> None:
    """Print one line: the thing, the reason, the remedy. Control characters cannot act."""
    error_console().print(Text.assemble(("error: ", "bold red"), inert(str(error))))


def write_line(line: bytes) -> None:
    """Write one line of machine output to standard output."""
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.write(b"\n")
