"""Send a batch that was refused for its size again, as two smaller ones, from the sink."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from harness.config import KIB
from harness.errors import PipelineError
from harness.pipelines.open_batch import SealedBatch
from harness.wire import EnvelopeReader, WireError

if TYPE_CHECKING:
    from harness.pipelines.streaming import BatchEncoder

STAGE = {"": "JSON", "_iter_json": "gzip"}

_CHUNK_BYTES = 64 * KIB


def send_in_halves(sealed: SealedBatch, encoder: BatchEncoder) -> None:
    """Write the units of `sealed` to `encoder`, flushing in the middle and at the end.

    A batch of a single child cannot be halved: its package is sent without the child, which counts
    as dropped, so that the receiver still gets every batch number and the final mark.
    """
    middle, units = sealed.units // 2, 0
    try:
        for package in EnvelopeReader(_iter_json(sealed)).iter_packages():
            encoder.begin_package(package.scope)
            # A package without children is a unit too: None stands for it.
            for child in chain((next(package.children, None),), package.children):
                if units and units == middle:
                    encoder.flush(final=False)
                units += 1
                if child is not None and middle:
                    encoder.add_scope(child)
            encoder.end_package()
    except WireError as error:
        raise PipelineError(f"a refused batch cannot be read back: {error}") from error
    encoder.flush(sealed.batch.final)
    encoder.counters.dropped += sealed.units == 1


def _iter_json(sealed: SealedBatch) -> Iterator[bytes]:
    inflater = zlib.decompressobj(31)
    left = len(sealed.attachment)
    with sealed.body.open() as reader:
        reader.read(sealed.attachment.start)
        while left and (data := reader.read(min(left, _CHUNK_BYTES))):
            left -= len(data)
            while data:
                yield inflater.decompress(data, _CHUNK_BYTES)
                data = inflater.unconsumed_tail
