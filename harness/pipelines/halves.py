"""Send a batch that was refused for its size again, as two smaller ones, from the sink."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

from harness.config import KIB
from harness.errors import PipelineError
from harness.model import Package, Scope
from harness.pipelines.open_batch import SealedBatch
from harness.wire import EnvelopeReader, WireError

STAGE = {"": "JSON", "_iter_json": "gzip"}

_CHUNK_BYTES = 64 * KIB


class UnitWriter(Protocol):
    """The part of an encoder that takes units in and sends them."""

    def begin_package(self, scope: Scope) -> None:
        """Begin a package."""
        ...

    def add_scope(self, scope: Scope) -> None:
        """Add a child to it."""
        ...

    def end_package(self) -> None:
        """Close it."""
        ...

    def flush(self, final: bool) -> None:
        """Send what was added."""
        ...


def send_in_halves(sealed: SealedBatch, encoder: UnitWriter) -> int:
    """Write the units of `sealed` to `encoder`, flushing in the middle and at the end.

    A batch of a single child cannot be halved: its package is sent without the child, so that the
    receiver still gets every batch number and the final mark.

    Returns:
        How many children were left out: 0 or 1.
    """
    halves = _Halves(encoder, sealed.units // 2)
    try:
        for package in EnvelopeReader(_iter_json(sealed)).iter_packages():
            halves.add(package)
    except WireError as error:
        raise PipelineError(f"a refused batch cannot be read back: {error}") from error
    encoder.flush(sealed.batch.final)
    return 0 if sealed.units > 1 else 1


class _Halves:
    def __init__(self, encoder: UnitWriter, middle: int) -> None:
        self._encoder = encoder
        self._middle = middle
        self._units = 0

    def add(self, package: Package) -> None:
        self._encoder.begin_package(package.scope)
        child = next(package.children, None)
        if child is None:
            self._count_unit()
        while child is not None:
            self._count_unit()
            if self._middle:
                self._encoder.add_scope(child)
            child = next(package.children, None)
        self._encoder.end_package()

    def _count_unit(self) -> None:
        if self._units and self._units == self._middle:
            self._encoder.flush(final=False)
        self._units += 1


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
