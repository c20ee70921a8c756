"""Ctrl-C and SIGTERM during an upload: an orderly end, at once wherever nothing can be torn."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from harness.model import Package
from harness.upload.guard import Cancellation

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_Item = TypeVar("_Item")


class Interruption:
    """Turns signals into the end of an upload.

    Between two scopes and within a request, whoever is at work asks `cancellation` often enough.
    The first walk over a large binary takes seconds and asks nobody: there the signal itself
    raises, since extraction has nothing that others rely on. What a pipeline does in between is not
    torn, so that no batch is accepted without being claimed; only who insists gets that too.
    """

    def __init__(self) -> None:
        self.cancellation = Cancellation()
        self._extracting = self._heard = False

    def watch(self, packages: Iterator[Package]) -> Iterator[Package]:
        """Yield `packages` and their children, until a signal comes."""
        for package in self._watch(packages):
            package.children = self._watch(package.children)
            yield package
            del package

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Listen while the block runs; signals that the caller had ignored stay so."""
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        heard = [number for number in _SIGNALS if before[number] != signal.SIG_IGN]
        try:
            for number in heard:
                signal.signal(number, self._interrupt)
            yield
        finally:
            for number in heard:
                signal.signal(number, before[number])

    def _interrupt(self, *_: object) -> None:
        insisting, self._heard = self._heard, True
        self.cancellation.cancel()
        if self._extracting or insisting:
            self.cancellation.check()

    def _watch(self, items: Iterator[_Item]) -> Iterator[_Item]:
        while True:
            self.cancellation.check()
            self._extracting = True
            item = next(items, None)
            self._extracting = False
            self.cancellation.check()
            if item is None:
                return
            yield item
            del item  # before the next one is made
