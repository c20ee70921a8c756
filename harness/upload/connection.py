"""urllib3 connections that obey a guard, from looking a name up to the last byte."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from threading import Thread
from typing import Any
from weakref import WeakSet

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NameResolutionError, NewConnectionError
from urllib3.util.wait import wait_for_write

from harness.intake.answer import Answer
from harness.upload.guard import Guard, GuardedContext, GuardedSocket
from harness.upload.proxy import Proxy

_CONNECTING = (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EALREADY)


class Resolver:
    """Looks hosts up, one at a time, while its guard allows.

    The system's resolver cannot be called off: with a silent name server it takes its 10 s, through
    deadlines and Ctrl-C. So it runs in a thread, which is left behind when the guard says stop; it
    ends when the resolver gives up, and does not keep the process alive. There is one of them at
    most, because the next attempt takes up a lookup that is still under way.

    Attributes:
        users: The connections that were opened with what it found, as long as they are in use.
    """

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self.users: WeakSet[HTTPConnection] = WeakSet()
        self._lookup: _Lookup | None = None

    def find(self, host: str, port: int) -> list[Any]:
        """Return what `socket.getaddrinfo` says of TCP to `host`.

        Raises:
            socket.gaierror: There is no such host.
            TimeoutError: The guard's deadline has passed.
            Cancelled: Somebody asked to stop.
        """
        lookup = self._lookup
        if lookup is None or lookup.target != (host, port):
            lookup = self._lookup = _Lookup(host, port)
        try:
            while lookup.is_alive():
                lookup.join(self.guard.slice_s())
        except TimeoutError:
            raise TimeoutError(f"the name {host} was not resolved before the deadline") from None
        self._lookup = None
        if lookup.failure is not None:
            raise lookup.failure
        return lookup.found


class _Lookup(Thread):
    """One call of the system's resolver, begun when it is made."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(name=f"look up {host}", daemon=True)
        self.target = host, port
        self.found: list[Any] = []
        self.failure: OSError | None = None
        try:
            self.start()
        except RuntimeError as error:  # as when the user may have no more threads
            raise OSError(f"the name {host} cannot be looked up: {error}") from None

    def run(self) -> None:
        """Ask, for as long as it takes."""
        try:
            self.found = socket.getaddrinfo(*self.target, 0, socket.SOCK_STREAM)
        except OSError as error:
            self.failure = error


def open_guarded(host: str, port: int, resolver: Resolver) -> GuardedSocket:
    """Connect to the first address of `host` that answers, under the resolver's guard."""
    failure = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in resolver.find(host, port):
        sock = GuardedSocket(family, kind, protocol)
        sock.guard = resolver.guard
        try:
            _connect(sock, address)
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure


def _connect(sock: GuardedSocket, address: Any) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setblocking(False)
    code = sock.connect_ex(address)
    while code in _CONNECTING:
        if wait_for_write(sock, sock.guard.slice_s()):
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            break
    if code:
        raise OSError(code, os.strerror(code))
    sock.settimeout(sock.guard.slice_s())


def _new_connection(connection: HTTPConnection, resolver: Resolver) -> GuardedSocket:
    resolver.users.add(connection)
    try:
        return open_guarded(connection.host, connection.port, resolver)
    except socket.gaierror as error:
        raise NameResolutionError(connection.host, connection, error) from error
    except TimeoutError:
        raise
    except OSError as error:
        raise NewConnectionError(connection, f"cannot connect: {error}") from error


def make_manager(scheme: str, resolver: Resolver, proxy: Proxy | None) -> PoolManager:
    """Return a manager of one connection; the resolver's guard is asked before every wait."""

    class Plain(HTTPConnection):
        response_class = Answer

        def _new_conn(self) -> socket.socket:
            return _new_connection(self, resolver)

    class Secure(HTTPSConnection):
        response_class = Answer

        def _new_conn(self) -> socket.socket:
            sock = _new_connection(self, resolver)
            sock.carries_request = False  # before TLS takes over, only a proxy is spoken to
            return sock

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    manager = _choose_manager(scheme, resolver.guard, proxy)
    manager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
    return manager


def _choose_manager(scheme: str, guard: Guard, proxy: Proxy | None) -> PoolManager:
    options: dict[str, Any] = {"num_pools": 1, "maxsize": 1}
    if scheme == "https":
        # Reading the system's certificates costs a megabyte; plain HTTP does not pay it.
        options["ssl_context"] = _make_context(guard)
    if proxy is None:
        return PoolManager(**options)
    return ProxyManager(proxy.url, proxy_headers=proxy.headers(), **options)


def _make_context(guard: Guard) -> ssl.SSLContext:
    context = GuardedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.guard = guard
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_default_certs()
    return context
