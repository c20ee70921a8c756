"""The streaming pipeline: one child alive, everything else already compressed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

from harness.config import PipelineOptions
from harness.contracts import Poster
from harness.model import Package
from harness.pipelines.batch_encoder import BatchEncoder
from harness.records import Batch, Counters

STAGE = "other"

__all__ = ["BatchEncoder", "run"]


def run(
    packages: Iterator[Package],
    poster: Poster,
    options: PipelineOptions,
    observe: Callable[[Batch], None],
) -> Counters:
    """Ship all packages, flushing when the body in the sink reaches the threshold.

    The next package is asked for only when the current one is encoded and let go; whether it
    exists decides `final`. If extraction fails, nothing more is flushed: no receiver is told that a
    truncated upload is complete.
    """
    with closing(BatchEncoder(poster, options, observe)) as encoder:
        package = next(packages, None)
        while package is not None:
            encoder.add_package(package)
            del package
            package = next(packages, None)
            if package is None or encoder.is_full():
                encoder.flush(final=package is None)
        return encoder.counters
