"""Names as they may be shown: file and symbol names are hostile until they have been here.

A binary can be called anything a file system allows: terminal escapes, bidirectional overrides,
line breaks, thousands of characters. Everything that is shown to a person passes through `inert`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_SPECIAL = re.compile(r"([\\`*_\[\]<|~#&@$])")
ELLIPSIS = ".."  # pure ASCII: there are still terminals and logs that are


def inert(text: str) -> str:
    r"""Return `text` with every character that acts instead of showing spelt out as an escape.

    Controls, format characters such as bidirectional overrides, lone surrogates, unassigned
    code points and all white space but the plain space become `\x1b`, `\u202e` and the like.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if _shows(char) else _spell(char) for char in text)


def shorten(text: str, width: int) -> str:
    """Return `text` made inert and at most `width` characters long, cut in the middle.

    Both ends are kept: the end of a file name tells more than its middle.
    """
    shown = inert(text)
    if len(shown) <= width:
        return shown
    head = max(width - len(ELLIPSIS), 0) // 2
    tail = max(width - len(ELLIPSIS) - head, 0)
    return (shown[:head] + ELLIPSIS + shown[len(shown) - tail :])[:width]


def distinct(names: Iterable[str], width: int) -> dict[str, str]:
    """Return a label for each name, at most `width` long, and no label used twice.

    Names that look alike when shortened are told apart by a number: `libfoo..so~2`.
    """
    labels: dict[str, str] = {}
    taken: set[str] = set()
    for name in dict.fromkeys(names):
        label = shorten(name, width)
        number = 2
        while label in taken:
            mark = f"~{number}"
            label = shorten(name, max(width - len(mark), 1)) + mark
            number += 1
        labels[name] = label
        taken.add(label)
    return labels


class Markdown(str):
    """Text that is Markdown already; every other string is taken for a foreign name."""

    __slots__ = ()


def code(text: str) -> Markdown:
    """Return `text` as a code span, in which nothing it holds can act, not even in a table.

    The fence is longer than any run of backticks inside. A pipe is spelt out, because readers of
    tables disagree about how a backslash before it is read.
    """
    shown = inert(text).replace("|", r"\x7c") or " "
    fence = "`" * (longest_backticks(shown) + 1)
    pad = " " if shown[0] in " `" or shown[-1] in " `" else ""
    return Markdown(f"{fence}{pad}{shown}{pad}{fence}")


def plain(text: str) -> Markdown:
    """Return `text` so that Markdown prints it as it reads."""
    return Markdown(_SPECIAL.sub(r"\\\1", inert(text)))


def longest_backticks(text: str) -> int:
    """Return the length of the longest run of backticks."""
    return max(map(len, re.findall("`+", text)), default=0)


def _shows(char: str) -> bool:
    return char == " " or unicodedata.category(char)[0] not in "CZ"


def _spell(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")
