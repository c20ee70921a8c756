"""Load the upload client as it is where nothing else is installed.

tenacity imports tornado where it finds it, urllib3 brotli and zstd. None of that serves an upload;
tornado alone brings asyncio along, 50 modules and 3,600 containers that the collector counts. A
notebook's environment has it, another has not, and the exact peaks of the two differed by some
hundred bytes. While our dependencies are imported these count as not installed; a pipeline that
wants one of them for itself gets it afterwards. Measured processes take the client from here.
"""

from __future__ import annotations

import importlib
import sys

STAGE = "other"

_EXTRAS = ("tornado", "brotli", "brotlicffi", "backports.zstd")


def _load() -> None:
    absent = [name for name in _EXTRAS if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        importlib.import_module("harness.upload.client")
    finally:
        for name in absent:
            del sys.modules[name]


_load()

from harness.upload.client import Uploader  # noqa: E402 - it has to come after all that

__all__ = ["Uploader"]
