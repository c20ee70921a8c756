"""Stopping an upload from a signal handler, which runs anywhere in what it interrupts."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from types import FrameType
from typing import Any

from harness.errors import Cancelled
from harness.upload.guard import Cancellation


def sleep_and_cancel_at(step: int, outcome: list[str]) -> None:
    """Sleep, and cancel from within, as a handler does, before one of the lines that run."""
    cancellation = Cancellation()
    left = step

    def trace(_frame: FrameType, _event: str, _argument: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            sys.settrace(None)
            cancellation.cancel()
        return trace

    sys.settrace(trace)
    with suppress(Cancelled):
        cancellation.sleep(0.001)
    sys.settrace(None)
    outcome.append("ended" if left <= 0 else "never cancelled")


def test_a_signal_at_any_step_of_a_sleep_does_not_hang_it() -> None:
    outcome: list[str] = []
    step = 0
    while "never cancelled" not in outcome:
        step += 1
        thread = threading.Thread(target=sleep_and_cancel_at, args=(step, outcome), daemon=True)
        thread.start()
        thread.join(30)
        assert not thread.is_alive(), f"cancelled at step {step}, the sleep never ended"
    assert outcome.count("ended") > 5
