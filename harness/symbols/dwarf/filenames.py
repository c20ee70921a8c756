"""Tell whether two units speak of the same file when they give it different paths.

Prefix maps give a file another path, and link-time optimisation puts the code of a unit that was
compiled with one behind a line table that was written without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

STAGE = "extraction"

_MOST_NAMESAKES = 10_000  # of one table, which are compared part by part


class SourceFile(NamedTuple):
    """A file as one unit names it; `digest` is empty if DWARF does not say it."""

    path: str
    directory: str
    digest: bytes


def same_file(file: SourceFile, known: Iterable[SourceFile]) -> str:
    """Return the path that a file has among those known; its own if it is none of them.

    The same path is the same file. Then the same content under the same name is, the same path as
    seen from where each unit was compiled, and last the longest common end of the paths: of two
    directories at least, or all of one path. Where nobody knows the directory, as in what dwz moved
    to another file, the name is enough. What fits two files fits none, and a name that more files
    share than any program has is not looked into.
    """
    name = _last(file.path)
    namesakes: list[SourceFile] = []
    for other in known:
        if other.path == file.path:
            return file.path
        if _last(other.path) == name and (
            not other.digest or not file.digest or other.digest == file.digest
        ):
            namesakes.append(other)
    if len(namesakes) > _MOST_NAMESAKES:
        return file.path
    for fits in (_same_content, _same_from_directory):
        found = _only(other for other in namesakes if fits(file, other))
        if found:
            return found
    by_name = "" if file.directory else _only(namesakes)
    return _longest_end(file, namesakes) or by_name or file.path


def _same_content(file: SourceFile, other: SourceFile) -> bool:
    return bool(file.digest) and file.digest == other.digest


def _same_from_directory(file: SourceFile, other: SourceFile) -> bool:
    return _seen_from(file) == _seen_from(other)


def _seen_from(file: SourceFile) -> tuple[int, list[str]]:
    """Return how many directories up and which path down lead from the directory to the file."""
    start, path = _parts(file.directory), _parts(file.path)
    if file.path.startswith("/") and not file.directory.startswith("/"):
        return -1, path
    shared = _common(start, path)
    return len(start) - shared, path[shared:]


def _longest_end(file: SourceFile, namesakes: Sequence[SourceFile]) -> str:
    path = _parts(file.path)[::-1]
    ends = [(_common(path, _parts(other.path)[::-1]), other) for other in namesakes]
    longest = max((end for end, _ in ends), default=0)
    found = _only(other for end, other in ends if end == longest)
    whole = longest == len(path) or longest == len(_parts(found))
    return found if longest > 1 or whole else ""


def _only(files: Iterable[SourceFile]) -> str:
    paths = {file.path for file in files}
    return paths.pop() if len(paths) == 1 else ""


def _common(left: Sequence[str], right: Sequence[str]) -> int:
    shared = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        shared += 1
    return shared


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _last(path: str) -> str:
    return path.rpartition("/")[2]
