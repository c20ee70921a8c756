"""The files inventory check: what was added, removed or changed in size against the ancestor.

A file that shrank has changed as one that grew, and an empty one is no error. It tells of files
only: whether numbers got worse is for the comparison to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.records import StoredFile
from harness.stats.verdict import FileChange, FileChanges

TOLERATED_PCT = 10
_EXECUTABLE = 0o100  # as version control does: the rest of a mode is the umask of a machine


def compare_files(before: Mapping[str, StoredFile], after: Mapping[str, StoredFile]) -> FileChanges:
    """Return every file of either side that is not as it was; a file may have two rows.

    A size is changed when it differs by more than 10 % of what it was, and whenever it comes from
    nothing or goes to nothing. Another digest is `content` when the size is hardly another.
    """
    rows = [row for name in sorted({*before, *after}) for row in _iter_rows(name, before, after)]
    return FileChanges(checked=True, changed=bool(rows), rows=rows)


def _iter_rows(
    name: str, before: Mapping[str, StoredFile], after: Mapping[str, StoredFile]
) -> Iterator[FileChange]:
    old, new = before.get(name), after.get(name)
    if old is None or new is None:
        yield _row(name, "added" if old is None else "removed", old, new)
        return
    if _size_changed(old.size_bytes, new.size_bytes):
        yield _row(name, "grown" if new.size_bytes > old.size_bytes else "shrunk", old, new)
    elif old.sha256 and new.sha256 and old.sha256 != new.sha256:
        yield _row(name, "content", old, new)
    if _mode_changed(old.mode, new.mode):
        yield _row(name, "mode", old, new)


def _size_changed(old_bytes: int, new_bytes: int) -> bool:
    # In whole numbers, so that the limit itself lies on one side for sure.
    return 100 * abs(new_bytes - old_bytes) > TOLERATED_PCT * old_bytes


def _mode_changed(old: int | None, new: int | None) -> bool:
    return old is not None and new is not None and (old ^ new) & _EXECUTABLE != 0


def _row(name: str, change: str, old: StoredFile | None, new: StoredFile | None) -> FileChange:
    return FileChange(
        path=name,
        change=change,
        before_bytes=None if old is None else old.size_bytes,
        after_bytes=None if new is None else new.size_bytes,
        before_mode=_octal(old),
        after_mode=_octal(new),
    )


def _octal(file: StoredFile | None) -> str | None:
    return None if file is None or file.mode is None else f"{file.mode & 0o7777:04o}"
