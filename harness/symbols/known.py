"""Values by key, worked out when they are first asked for, within a bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

STAGE = "extraction"

_K = TypeVar("_K")
_V = TypeVar("_V")


class Known(dict[_K, _V]):
    """Values by key; all are forgotten when there are too many.

    A key that is known costs no frame of Python. `make` must not lead back to whoever keeps this:
    that would be a cycle, alive until the collector comes by.
    """

    def __init__(self, most: int, make: Callable[[_K], _V]) -> None:
        self._most = most
        self._make = make

    def __missing__(self, key: _K) -> _V:
        if len(self) >= self._most:
            self.clear()
        value = self[key] = self._make(key)
        return value
