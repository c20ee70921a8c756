"""Text that can be written anywhere, made of names that need not be text.

A path is bytes. What is no UTF-8 in it comes as a lone surrogate, which no document may hold.
"""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

_SHOWN_CHARACTERS = 500
_Name = TypeVar("_Name", str, tuple[str, ...])


def escaped(text: str) -> str:
    r"""Return `text` with what no document may hold written as an escape: a byte as `\xe9`."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # a surrogate that stands for no byte
        return text.encode("utf-8", "backslashreplace").decode()


def printable(name: str) -> str:
    """Return `name` with everything that is no printable character written as an escape."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in escaped(name)
    )


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: "1 scope", "1,200 scopes"."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def listed(names: Iterable[str], most: int) -> str:
    """Return names to be read out: of more than `most` the first, and how many more there are."""
    found = list(names)
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more


def repeated(names: Iterable[_Name]) -> list[_Name]:
    """Return in order the names that are given more than once."""
    return sorted(name for name, count in Counter(names).items() if count > 1)


def first_cause(detail: str) -> str:
    """Return the first line of a cause, which tells most, cut where it would fill a screen."""
    line = next((line for line in detail.splitlines() if line.strip()), "")
    return line if len(line) <= _SHOWN_CHARACTERS else f"{line[:_SHOWN_CHARACTERS]}…"


def json_bytes(value: Any, *, indent: int = 0) -> bytes:
    """Return a value as JSON, all of its text escaped where that is needed; 0 is one line."""
    try:
        data = msgspec.json.encode(value)
    except UnicodeEncodeError:
        data = msgspec.json.encode(_escaped_all(msgspec.to_builtins(value)))
    return msgspec.json.format(data, indent=indent) if indent else data


def last_line(output: str, otherwise: str = "it said nothing") -> str:
    """Return the last line that a command printed, which tells best why it failed."""
    return (output.strip().splitlines() or [otherwise])[-1]


def write_file(path: Path, content: bytes) -> None:
    """Write a file of that name; a link in its place goes, and what it points to stays.

    Raises:
        OSError: It cannot be written.
    """
    if path.is_symlink():
        path.unlink()
    path.write_bytes(content)


def replace_file(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Replace a file in one step: a reader sees the old one or the new one, never a part.

    A `durable` one is so after a crash of the machine as well.

    Raises:
        OSError: It cannot be written; the old one is still there.
    """
    staged = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with staged.open("xb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)


def _escaped_all(value: Any) -> Any:
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, dict):
        return {escaped(name): _escaped_all(one) for name, one in value.items()}
    return [_escaped_all(one) for one in value] if isinstance(value, list | tuple) else value
