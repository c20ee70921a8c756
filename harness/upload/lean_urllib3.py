"""urllib3 without importlib.metadata, for processes whose memory is measured.

urllib3 imports `importlib.metadata` only to ask for the version of an optional HTTP/2 library, when
somebody switches HTTP/2 on. That module and all it pulls in would stay on the heap of every process
that uploads. While urllib3 is imported a stand-in takes its place, which imports the real one when
it is first asked something. Whoever needs urllib3 takes it from here, so that this happens in time.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

STAGE = "HTTP"

_NAME = "importlib.metadata"


def _version(distribution: str) -> str:
    from importlib.metadata import version  # noqa: PLC0415 - the import that is being put off

    return version(distribution)


def _load_urllib3() -> None:
    if _NAME in sys.modules:
        return
    stand_in = ModuleType(_NAME)
    stand_in.version = _version  # type: ignore[attr-defined]
    sys.modules[_NAME] = stand_in
    try:
        importlib.import_module("urllib3")
    finally:
        del sys.modules[_NAME]


_load_urllib3()

# ruff: noqa: E402 - what follows has to come after the stand-in
from urllib3 import (
    BaseHTTPResponse,
    HTTPConnectionPool,
    HTTPSConnectionPool,
    PoolManager,
    ProxyManager,
)
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    HTTPError,
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
    SSLError,
)
from urllib3.util import Url, make_headers, parse_url
from urllib3.util.wait import wait_for_write

__all__ = [
    "BaseHTTPResponse",
    "HTTPConnection",
    "HTTPConnectionPool",
    "HTTPError",
    "HTTPSConnection",
    "HTTPSConnectionPool",
    "LocationParseError",
    "NameResolutionError",
    "NewConnectionError",
    "PoolManager",
    "ProxyManager",
    "SSLError",
    "Url",
    "make_headers",
    "parse_url",
    "wait_for_write",
]
