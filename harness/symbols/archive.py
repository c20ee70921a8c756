"""Members of an archive (`.a`), as GNU's and BSD's `ar` write them; a thin one has paths."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from typing import NamedTuple

from harness.errors import InputRejected
from harness.symbols.sections import Section

STAGE = "extraction"

_MAGIC, _THIN, _END = b"!<arch>\n", b"!<thin>\n", b"`\n"
_HEADER_BYTES = 60
_MOST_NAME_BYTES = 4096
_MOST_NAMES_BYTES = 16 * 1024 * 1024
_NAMES = b"//"
_OWN = (_NAMES, b"/", b"/SYM64/")
_BSD_NAME, _BSD_SYMBOLS = b"#1/", b"__.SYMDEF"


class Member(NamedTuple):
    """A file in an archive: where it lies, in the archive itself or in a file of its own.

    It is all of that file if its `size` is None.
    """

    name: str
    path: str
    start: int
    size: int | None


def is_archive(start: bytes) -> bool:
    """Tell whether a file that begins like this is an archive."""
    return start.startswith((_MAGIC, _THIN))


def iter_members(path: str, file: Section, check_time: Callable[[], None]) -> Iterator[Member]:
    """Yield the members of an archive in the order of the file, without its symbols and names.

    Raises:
        InputRejected: It is damaged.
    """
    thin, names, at = file.window(0, len(_THIN)) == _THIN, b"", len(_MAGIC)
    while at < file.size:
        check_time()
        name, size = _read_header(file, at)
        start, ours = at + _HEADER_BYTES, name in _OWN
        stored = ours or not thin
        if stored and start + size > file.size:
            raise InputRejected("the file ends inside a member", offset=at)
        at = start + (size + size % 2 if stored else 0)
        if name == _NAMES:
            names = file.read(start, min(size, _MOST_NAMES_BYTES))
        if ours:
            continue
        if name.startswith(_BSD_NAME):
            length = min(int(name[len(_BSD_NAME) :] or b"0"), size)
            name = file.read(start, min(length, _MOST_NAME_BYTES)).rstrip(b"\0")
            start, size = start + length, size - length
            if name.startswith(_BSD_SYMBOLS):
                continue
        text = _spelled(name, names)
        shown = f"{path}({text})"
        if thin:
            yield Member(shown, posixpath.join(posixpath.dirname(path), text), 0, None)
        else:
            yield Member(shown, path, start, size)


def _read_header(file: Section, at: int) -> tuple[bytes, int]:
    header = file.window(at, _HEADER_BYTES)
    name, size = header[:16].rstrip(), header[48:58].strip()
    number = name[1:] if name[:1] == b"/" else name[len(_BSD_NAME) :]
    numbered = name not in _OWN and name.startswith((b"/", _BSD_NAME))
    if header[58:] != _END or not size.isdigit() or (numbered and not number.isdigit()):
        raise InputRejected("no header of a member where one should be", offset=at)
    return name, int(size)


def _spelled(name: bytes, names: bytes) -> str:
    """Return the name of a member; a long one is a number, for where it stands among the names."""
    if name[:1] == b"/":
        at = int(name[1:])
        name = names[at : at + _MOST_NAME_BYTES].partition(b"\n")[0]
    return name.removesuffix(b"/").decode("utf-8", "surrogateescape")
