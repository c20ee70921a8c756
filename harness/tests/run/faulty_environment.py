"""A pipeline that looks around before it works."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.config import PipelineOptions
from harness.contracts import Poster
from harness.model import Package
from harness.pipelines import streaming
from harness.records import Batch, Counters

_EXPECTED = {"PATH", "LC_ALL", "PYTHONSAFEPATH", "PYTHONPATH", "PYTHONHASHSEED", "TMPDIR"}


def check(
    packages: Iterator[Package],
    poster: Poster,
    options: PipelineOptions,
    observe: Callable[[Batch], None],
) -> Counters:
    """Refuse to work in any other environment than the declared one."""
    surplus = set(os.environ) - _EXPECTED - {"LD_LIBRARY_PATH"}
    nearby = list(Path().iterdir())
    if surplus or os.environ["PYTHONHASHSEED"] != "7" or nearby:
        raise RuntimeError(f"unexpected: {surplus} {nearby}")
    return streaming.run(packages, poster, options, observe)
