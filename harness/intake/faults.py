"""Ways in which the intake can be told to misbehave, so that a client meets them for real."""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Lock
from typing import Any

from msgspec import Struct, structs

from harness.errors import ConfigError

FOREVER = -1
_DRIP_S = 0.02
_HUGE_BYTES = 8 << 20


class Fault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One misbehaviour, shown to the next `times` deliveries.

    Which meaning `value` has depends on the kind: a status code for `status` and `early-status`, a
    number of bytes for `too-large`; the other kinds do not use it.
    """

    kind: str
    value: int = 0
    times: int = 1
    headers: dict[str, str] = {}


class FaultQueue:
    """The misbehaviours to come, in order."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._faults: list[Fault] = []

    def replace(self, faults: list[Fault]) -> None:
        """Forget what was to come and take `faults` instead.

        Raises:
            ConfigError: One of them is of no known kind.
        """
        for fault in faults:
            if fault.kind not in KINDS:
                raise ConfigError(
                    f"there is no fault {fault.kind!r}", remedy=f"choose from {', '.join(KINDS)}"
                )
        with self._lock:
            self._faults = list(faults)

    def take(self) -> Fault | None:
        """Return what the next delivery is to meet; None for good behaviour."""
        with self._lock:
            if not self._faults:
                return None
            fault = self._faults[0]
            if fault.times == 1:
                del self._faults[0]
            elif fault.times > 1:
                self._faults[0] = structs.replace(fault, times=fault.times - 1)
            return fault


def parse_fault(text: str) -> Fault:
    """Return the fault written as `kind`, `kind:value`, `kind*times` or `kind:value*times`.

    Raises:
        ConfigError: The text is not of that form; `*` alone means for ever.
    """
    rest, star, times = text.partition("*")
    kind, _, value = rest.partition(":")
    try:
        count = int(times) if times else FOREVER if star else 1
        fault = Fault(kind=kind, value=int(value or 0), times=count)
    except ValueError:
        raise ConfigError(f"{text!r} is not a fault", remedy="write it like status:503*2") from None
    FaultQueue().replace([fault])
    return fault


class Wire(Struct):
    """The raw connection a fault plays with, and the sign that the server is stopping."""

    sock: socket.socket
    stopping: Event

    def send(self, data: bytes) -> bool:
        """Send `data`; False if the client is gone."""
        with suppress(OSError):
            self.sock.sendall(data)
            return True
        return False

    def repeat(self, data: bytes) -> None:
        """Send `data` again and again, slowly, until the client has had enough."""
        while self.send(data) and not self.stopping.wait(_DRIP_S):
            pass

    def reset(self) -> None:
        """Close so that the client gets a reset, not an end."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def wait_for_client(self) -> None:
        """Say nothing until the client goes away."""
        while not self.stopping.is_set():
            if select.select([self.sock], [], [], _DRIP_S)[0]:
                return


def _response(status: int, fault: Fault, body: bytes = b"", length: int | None = None) -> bytes:
    headers = {"Content-Length": str(len(body) if length is None else length), **fault.headers}
    lines = [f"HTTP/1.1 {status} Fault", *(f"{name}: {text}" for name, text in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class FaultKind(Struct, frozen=True):
    """How a fault goes: what is done with the body, and what is answered in place of the truth."""

    answer: Callable[[Wire, Fault], Any]
    reads_body: bool = True
    enters_ledger: bool = False


def _drip(wire: Wire, beginning: bytes) -> None:
    if wire.send(beginning):
        wire.repeat(b"a")


def _status(wire: Wire, fault: Fault) -> None:
    # The intake hangs up, and says so: who does not know may send more, and is not answered.
    headers = {"Connection": "close", **fault.headers}
    wire.send(_response(fault.value, structs.replace(fault, headers=headers)))


def _reset(wire: Wire, _: Fault) -> None:
    wire.reset()


def _silence(wire: Wire, _: Fault) -> None:
    wire.wait_for_client()


KINDS = {
    "status": FaultKind(_status),
    "early-status": FaultKind(_status, reads_body=False),
    "too-large": FaultKind(lambda wire, fault: wire.send(_response(413, fault))),
    "reset": FaultKind(_reset),
    "early-reset": FaultKind(_reset, reads_body=False),
    "accept-reset": FaultKind(_reset, enters_ledger=True),
    "accept-silence": FaultKind(_silence, enters_ledger=True),
    "silence": FaultKind(_silence),
    "drip": FaultKind(lambda wire, _: _drip(wire, b"HTTP/1.1 202 Accepted\r\nX-Drip: ")),
    "drip-body": FaultKind(lambda wire, fault: _drip(wire, _response(503, fault, length=1 << 30))),
    "continue": FaultKind(lambda wire, _: wire.repeat(b"HTTP/1.1 100 Continue\r\n\r\n")),
    "garbage": FaultKind(lambda wire, _: wire.send(b"\x00\xff not http at all\r\n\r\n")),
    "huge": FaultKind(lambda wire, fault: wire.send(_response(503, fault, b"x" * _HUGE_BYTES))),
    "cut-short": FaultKind(
        lambda wire, fault: wire.send(_response(202, fault, b"{", length=100)), enters_ledger=True
    ),
    "run-over": FaultKind(
        lambda wire, fault: wire.send(_response(202, fault, b"{}" * 50, length=2)),
        enters_ledger=True,
    ),
}
