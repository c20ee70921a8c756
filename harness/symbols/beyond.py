"""What to say when a limit is hit: which one, where, and how to allow more."""

from __future__ import annotations

from harness.errors import InputRejected

STAGE = "extraction"


def beyond(  # noqa: PLR0913 - the parts of one message
    limit: str,
    value: float,
    reason: str,
    *,
    file: str = "",
    section: str = "",
    offset: int | None = None,
) -> InputRejected:
    """Return the rejection of a file that asks for more than a limit allows.

    Args:
        limit: Its name in `Limits`.
        value: What it allows now.
        reason: What there is too much of.
        file: Where, if the caller knows it.
        section: Where in the file.
        offset: Where in the section.
    """
    return InputRejected(
        f"{reason}, which is the limit",
        file=file,
        section=section,
        offset=offset,
        remedy=f"if the file is sound, allow more: --limit {limit}={max(2 * value, 1)}",
    )
