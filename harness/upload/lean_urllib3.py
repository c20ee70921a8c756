"""urllib3 without importlib.metadata, for processes whose memory is measured.

urllib3 imports `importlib.metadata` only to ask for the version of an optional HTTP/2 library, when
somebody switches HTTP/2 on. That module and all it pulls in would stay on the heap of every process
that uploads. While urllib3 is imported a stand-in takes its place, which imports the real one when
it is first asked something.
"""

from __future__ import annotations

import sys
from types import ModuleType

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
        import urllib3.connection  # noqa: F401, PLC0415 - the stand-in has to be there first
    finally:
        del sys.modules[_NAME]


_load_urllib3()
