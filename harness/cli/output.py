"""Where results go: the two standard streams, or a file that is there whole or not at all."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import copymode
from typing import IO

from rich.console import Console
from rich.text import Text

from harness.errors import ConfigError, HarnessError, failing_as
from harness.printing import make_console
from harness.stats.labels import inert
from harness.store.seal import is_sealed
from harness.text import json_bytes

STANDARD_OUTPUT = "-"


def error_console() -> Console:
    """Return a console on standard error; honours NO_COLOR and pipes."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def output_console() -> Console:
    """Return a console on standard output, for tables."""
    return make_console(sys.stdout)


def say(text: str) -> None:
    """Print a line on standard error; whatever is named in it cannot act."""
    error_console().print(Text(inert(text)))


def warn(text: str) -> None:
    """Say on standard error what to beware of."""
    error_console().print(Text(inert(f"warning: {text}"), style="yellow"))


def print_files(files: Mapping[str, object]) -> None:
    """Print what was written, by name, each path on one line."""
    width = max(map(len, files), default=0)
    for name, path in files.items():
        output_console().print(f"{name:{width}}  {path}", markup=False, soft_wrap=True)


def refuse_sealed(directory: Path, option: str) -> None:
    """Refuse to write into a promoted baseline.

    Raises:
        ConfigError: It is one.
    """
    if is_sealed(directory):
        raise ConfigError(
            f"{directory} is sealed: writing into it would break the seal",
            remedy=f"name another directory with {option}",
        )


def write_line(line: bytes) -> None:
    """Write one line of machine output to standard output."""
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.write(b"\n")


def write_json(value: object) -> None:
    """Write one JSON document to standard output, as a line."""
    write_line(json_bytes(value))


@contextmanager
def whole_file(target: str, source: Path) -> Iterator[IO[bytes]]:
    """Yield what to write the results into; they take the place of `target` when all is written.

    Devices and pipes are written directly, and so is standard output, which `-` stands for.

    Args:
        target: Where the results go.
        source: The file that is being read, which must not be the target.

    Raises:
        ConfigError: The target is the source, or cannot be written.
        HarnessError: It cannot be written any further.
    """
    if target == STANDARD_OUTPUT:
        yield sys.stdout.buffer
        return
    path = Path(target)
    direct = path.exists() and not path.is_file()
    if path.exists() and path.samefile(source):
        raise ConfigError(f"cannot write {target}: it is the input", remedy="choose another file")
    if not direct:  # what a symbolic link points to is replaced, not the link
        path = path.resolve()
    part = path if direct else path.with_name(f".harness-{secrets.token_hex(8)}.part")
    with failing_as(ConfigError, f"cannot write {target}", "choose another file"):
        file = part.open("wb" if direct else "xb")
    remedy = "free some space there, or choose another file"
    try:
        with failing_as(HarnessError, f"cannot write {target}", remedy), file:
            yield file
        if not direct:
            if path.exists():
                copymode(path, part)
            part.replace(path)
    except BaseException:
        if not direct:
            part.unlink(missing_ok=True)
        raise
