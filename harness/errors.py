"""Every error the harness raises on purpose, and the exit code that each one means.

Exit code 1 is Python's own traceback: always a bug of ours, never raised here.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

# What the system says when a disk, a quota or a limit on the size of files is used up.
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class ExitCode(IntEnum):
    """What the process tells its caller."""

    OK = 0
    USAGE = 2
    GATE_FAILED = 3
    INVALID = 4
    INTERRUPTED = 130


class HarnessError(Exception):
    """A failure with a cause the user can act on: the thing, the reason, the remedy."""

    exit_code: ExitCode = ExitCode.USAGE
    unheard = False  # whether a batch may have been accepted without an answer that says so

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} — {self.remedy}" if self.remedy else self.message


class ConfigError(HarnessError):
    """An option, a suite or a manifest says something that cannot be."""


class CorpusError(HarnessError):
    """A binary of the corpus cannot be had, or is not the one that was pinned."""


class FetchFailed(CorpusError):
    """What is at an address did not come, for a reason that may pass."""


class OtherContent(CorpusError):
    """What is at an address has another digest than was pinned, however often it is fetched."""


class StoreError(HarnessError):
    """A run directory cannot be written or read back."""


class MeasurementInvalid(HarnessError):
    """A verdict was asked of data that cannot carry one."""

    exit_code = ExitCode.INVALID


class GateFailed(HarnessError):
    """A gate that guards CI failed."""

    exit_code = ExitCode.GATE_FAILED


class PipelineError(HarnessError):
    """A pipeline failed on this side of the wire: encoding, compressing, spooling. Not retried."""


class UploadError(HarnessError):
    """The HTTP side failed. Raised for nothing else, so that only this is ever retried."""


class PayloadTooLarge(UploadError):
    """The receiver refuses bodies of this size (HTTP 413): half of it may pass."""


class Cancelled(HarnessError):
    """The work was called off. It outranks every other outcome and is never retried."""

    exit_code = ExitCode.INTERRUPTED


@contextmanager
def failing_as(kind: type[HarnessError], what: str, remedy: str = "") -> Iterator[None]:
    """Say of what the system refuses inside what could not be done, and what to do instead.

    Raises:
        HarnessError: Of that `kind`, in place of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise kind(f"{what}: {error.strerror or error}", remedy=remedy) from error


class InputRejected(HarnessError):
    """A binary that cannot be read: no ELF, no DWARF, truncated, damaged, or beyond a limit.

    `unit` is where the unit that was being read begins in .debug_info; it is said when `offset`
    does not name a place, for what the unit refers to may lie in any section.
    """

    def __init__(  # noqa: PLR0913 - the parts of one message
        self,
        reason: str,
        *,
        file: str = "",
        section: str = "",
        offset: int | None = None,
        unit: int | None = None,
        remedy: str = "",
    ) -> None:
        place = section if offset is None else f"{section or 'file'}+{offset:#x}"
        where = ": ".join(part for part in (file, place) if part)
        read_for = "" if unit is None else f" (read for the unit at .debug_info+{unit:#x})"
        what = reason + read_for
        super().__init__(f"{where}: {what}" if where else what, remedy=remedy)
        self.reason = reason
        self.file = file
        self.section = section
        self.offset = offset
        self.unit = unit

    def placed(self, file: str, unit: int | None = None) -> InputRejected:
        """Return the same rejection with what readers of a section do not know: file and unit."""
        return InputRejected(
            self.reason,
            file=self.file or file,
            section=self.section,
            offset=self.offset,
            unit=unit if self.offset is None and self.unit is None else self.unit,
            remedy=self.remedy,
        )
