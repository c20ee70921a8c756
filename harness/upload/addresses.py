"""From the name of a host to its addresses, in no more time than a guard allows.

The system's resolver cannot be called off: with a silent name server it takes its 10 s, through
deadlines and Ctrl-C. So it runs in a thread, which is left behind when the guard says stop. That
thread holds no data of ours, ends when the resolver gives up, and does not keep the process alive.
There is one of them at most, because the next attempt takes up a lookup that is still under way.

Rejected: a child that could be killed (a copy of a process whose memory is measured), and a
resolver of our own (it would not know hosts files, search domains, and what else the system asks).
"""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Thread
from typing import Any

from harness.upload.guard import Guard


def can_be_host(name: str) -> bool:
    """Tell whether a resolver can be asked for `name`: no empty or endless labels."""
    try:
        name.strip("[]").encode("idna")
    except UnicodeError:
        return False
    return True


class Resolver:
    """Looks hosts up, one at a time, while its guard allows."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self._lookup: _Lookup | None = None

    def find(self, host: str, port: int) -> list[Any]:
        """Return what `socket.getaddrinfo` says of TCP to `host`.

        Raises:
            socket.gaierror: There is no such host.
            TimeoutError: The guard's deadline has passed.
            Cancelled: Somebody asked to stop.
        """
        # An address needs no lookup, and what is measured pays for no thread.
        with suppress(socket.gaierror):
            return socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
        return self._look_up(host, port)

    def _look_up(self, host: str, port: int) -> list[Any]:
        lookup = self._lookup
        if lookup is None or lookup.target != (host, port):
            lookup = _start_lookup(host, port)
            self._lookup = lookup
        try:
            while lookup.is_alive():
                lookup.join(self.guard.slice_s())
        except TimeoutError:
            raise TimeoutError(f"the name {host} was not resolved before the deadline") from None
        self._lookup = None
        if lookup.failure is not None:
            raise lookup.failure
        return lookup.found


def _start_lookup(host: str, port: int) -> _Lookup:
    lookup = _Lookup(host, port)
    try:
        lookup.start()
    except RuntimeError as error:  # as when the user may have no more threads
        raise OSError(f"the name {host} cannot be looked up: {error}") from None
    return lookup


class _Lookup(Thread):
    """One call of the system's resolver."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(name=f"look up {host}", daemon=True)
        self.target = host, port
        self.found: list[Any] = []
        self.failure: OSError | None = None

    def run(self) -> None:
        """Ask, for as long as it takes."""
        try:
            self.found = socket.getaddrinfo(*self.target, 0, socket.SOCK_STREAM)
        except OSError as error:
            self.failure = error
