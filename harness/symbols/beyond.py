"""What to say when a limit is hit: which one, where, and how to allow more."""

from __future__ import annotations

from harness.errors import InputRejected


def beyond(
    limit: str, value: float, reason: str, *, section: str = "", offset: int | None = None
) -> InputRejected:
    """Return the rejection of a file that asks for more than a limit allows.

    Args:
        limit: Its name in `Limits`.
        value: What it allows now.
        reason: What there is too much of.
        section: Where.
        offset: Where in the section.
    """
    return InputRejected(
        f"{reason}, which is the limit",
        section=section,
        offset=offset,
        remedy=f"if the file is sound, allow more: --limit {limit}={max(2 * value, 1):.15g}",
    )
