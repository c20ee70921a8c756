from __future__ import annotations

import string
import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tenacity import Future, RetryCallState, Retrying

from harness.upload.retry import (
    RequestFailed,
    RetryPolicy,
    is_retryable_status,
    longest_retry_after,
    parse_retry_after,
)

POLICY = RetryPolicy(base_s=0.5, wait_s_max=30.0)


def state_after(attempt: int, error: Exception) -> RetryCallState:
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = attempt
    state.outcome = Future(attempt)
    state.outcome.set_exception(error)
    return state


@given(st.integers(1, 1000))
def test_jitter_stays_between_nothing_and_a_doubling_limit(attempt: int) -> None:
    error = RequestFailed("x", retryable=True)
    wait_s = POLICY.wait_s(state_after(attempt, error))
    assert 0 <= wait_s <= min(0.5 * 2 ** (attempt - 1), 30.0)


@pytest.mark.parametrize(("asked_s", "waited_s"), [(7.0, 7.0), (1e6, 30.0)])
def test_a_server_that_names_a_time_is_obeyed_up_to_the_cap(
    asked_s: float, waited_s: float
) -> None:
    error = RequestFailed("x", status=429, retryable=True, retry_after_s=asked_s)
    assert POLICY.wait_s(state_after(1, error)) == waited_s


def test_a_server_that_asks_for_no_wait_does_not_get_the_pauses_removed() -> None:
    error = RequestFailed("x", status=429, retryable=True, retry_after_s=0.0)
    waits_s = [POLICY.wait_s(state_after(9, error)) for _ in range(20)]
    assert max(waits_s) > 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("12", 12.0, id="seconds"),
        pytest.param(" 0 ", 0.0, id="now"),
        pytest.param("-3", None, id="negative"),
        pytest.param("soon", None, id="word"),
        pytest.param("1.5", None, id="fraction"),
        pytest.param("", None, id="empty"),
        pytest.param("²", None, id="not ascii"),
        pytest.param("Wed, 21 Oct 2015 07:28:00 GMT", None, id="past date"),
        pytest.param("Wed, 21 Oct 2015 07:28:00 -0000", None, id="past date of no zone"),
        pytest.param("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None, id="endless year"),
        pytest.param("Mon, 01 Jan 2030 00:00:00 +9999999999999", None, id="endless zone"),
        pytest.param("Mon, 01 Jan 0001 00:00:00 +2359", None, id="before the first year"),
        pytest.param("Wed, 99 Oct 2015 07:28:00 GMT", None, id="no such day"),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(text: str, expected: float | None) -> None:
    assert parse_retry_after(text) == expected


def test_of_several_waits_the_longest_counts() -> None:
    assert longest_retry_after(["1", "soon", "40", "7"]) == 40.0
    assert longest_retry_after([]) is None


@pytest.mark.parametrize("usegmt", [True, False], ids=["GMT", "-0000"])
@pytest.mark.parametrize("here", ["UTC", "EST+5"])
def test_a_date_to_come_is_as_far_away_as_it_is(
    usegmt: bool, here: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", here)
    time.tzset()
    wait_s = parse_retry_after(formatdate(time.time() + 1000, usegmt=usegmt))
    monkeypatch.undo()
    time.tzset()
    assert wait_s is not None
    assert 0 < wait_s <= 1000


@given(st.text(string.printable))
def test_no_retry_after_is_too_strange(text: str) -> None:
    wait_s = parse_retry_after(text)
    assert wait_s is None or wait_s >= 0


def test_the_retryable_statuses_are_those_that_may_pass() -> None:
    retryable = [status for status in range(100, 600) if is_retryable_status(status)]
    assert retryable == [408, 429, 500, *range(502, 600)]
