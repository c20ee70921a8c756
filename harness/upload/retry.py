"""Which failures are worth another try, and how long to wait before it."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from harness.config import RetryOptions
from harness.errors import UploadError

if TYPE_CHECKING:  # the options of `harness upload` come from here, with the extra or without
    from tenacity import RetryCallState

_RETRYABLE_STATUSES = frozenset((408, 429))
_NOT_IMPLEMENTED = 501


class RequestFailed(UploadError):
    """One request failed: `status` is 0 when no answer came.

    It is `unheard` when no answer came although something was sent: it may have been accepted.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        retryable: bool,
        retry_after_s: float | None = None,
        unheard: bool = False,
    ) -> None:
        super().__init__(message)
        self.unheard = unheard
        self.status = status
        self.retryable = retryable
        self.retry_after_s = retry_after_s


def is_retryable(error: BaseException) -> bool:
    """Tell whether the same request may succeed later."""
    return isinstance(error, RequestFailed) and error.retryable


def is_retryable_status(status: int) -> bool:
    """Tell whether a server that answered `status` may answer better later."""
    return status in _RETRYABLE_STATUSES or (500 <= status <= 599 and status != _NOT_IMPLEMENTED)


def longest_retry_after(values: Iterable[str]) -> float | None:
    """Return the most that an answer asks to wait, however often it says so."""
    return max(filter(None, map(parse_retry_after, values)), default=None)


def parse_retry_after(value: str) -> float | None:
    """Return the seconds a Retry-After header asks for, given as a number or as a date.

    A value that is neither, that no calendar holds, or that lies in the past asks for nothing.
    """
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
        # A zone of -0000 means UTC, and is parsed as no zone, which would be taken for local time.
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        wait_s = zoned.timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return wait_s if wait_s > 0 else None


class RetryPolicy(RetryOptions, frozen=True, kw_only=True):
    """How long a failing upload is tried again, and how long the next attempt waits."""

    def wait_s(self, state: RetryCallState) -> float:
        """Return the seconds to wait before the next attempt.

        What the server asks for can only lengthen the wait, up to the same cap: a Retry-After of 0
        would leave no pause at all.
        """
        doublings = min(state.attempt_number - 1, 30)
        limit_s = min(self.base_s * (1 << doublings), self.wait_s_max)
        wait_s = random.uniform(0.0, limit_s)  # noqa: S311 - spreads load, guards nothing
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, RequestFailed) and error.retry_after_s is not None:
            return max(wait_s, min(error.retry_after_s, self.wait_s_max))
        return wait_s


DEFAULT_POLICY = RetryPolicy()
