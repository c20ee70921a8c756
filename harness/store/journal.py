"""An append-only file of lines, of which every acknowledged one survives a crash."""

from __future__ import annotations

import os
from pathlib import Path

from harness.errors import StoreError


class Journal:
    """Appends whole lines: one write and one fsync an append, or nothing at all.

    A write that the disk cut short is taken back, so the file never keeps half a line of ours. A
    torn line that a crash left behind is dropped when the journal is opened again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._handle = os.open(path, flags, 0o644)
            self._drop_torn_tail()
        except OSError as error:
            raise self._failed(error) from error

    def append(self, lines: list[bytes]) -> None:
        """Add `lines`, which carry no newline; returns once they are on disk.

        Raises:
            StoreError: They are not, and the file is as it was before.
        """
        data = b"".join(line + b"\n" for line in lines)
        before = os.fstat(self._handle).st_size
        try:
            written = os.write(self._handle, data)
            os.fsync(self._handle)
        except OSError as error:
            os.ftruncate(self._handle, before)
            raise self._failed(error) from error
        if written != len(data):
            os.ftruncate(self._handle, before)
            raise StoreError(
                f"cannot write {self.path}: only {written} of {len(data)} bytes fit",
                remedy="free some space and resume the run",
            )

    def close(self) -> None:
        """Close the file; appending afterwards is an error of the caller."""
        os.close(self._handle)

    def _drop_torn_tail(self) -> None:
        content = self.path.read_bytes()
        if content and not content.endswith(b"\n"):
            os.ftruncate(self._handle, content.rfind(b"\n") + 1)
            os.fsync(self._handle)

    def _failed(self, error: OSError) -> StoreError:
        return StoreError(
            f"cannot write {self.path}: {error.strerror}",
            remedy="free some space or choose another results directory",
        )
