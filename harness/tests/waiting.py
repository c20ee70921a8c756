"""Waiting for what other processes do."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], bool]) -> bool:
    """Poll for what must become true; only a bug runs into the bound."""
    for _ in range(1200):
        if condition():
            return True
        time.sleep(0.05)
    return False
