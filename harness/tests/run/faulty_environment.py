"""A pipeline that looks around before it works."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from harness.pipelines import streaming
from harness.records import Counters

_EXPECTED = {"PATH", "LC_ALL", "PYTHONSAFEPATH", "PYTHONPATH", "PYTHONHASHSEED", "TMPDIR"}


def check(*given: Any) -> Counters:
    """Refuse to work in any other environment than the declared one."""
    surplus = set(os.environ) - _EXPECTED - {"LD_LIBRARY_PATH"}
    nearby = list(Path().iterdir())
    if surplus or os.environ["PYTHONHASHSEED"] != "7" or nearby:
        raise RuntimeError(f"unexpected: {surplus} {nearby}")
    return streaming.run(*given)
