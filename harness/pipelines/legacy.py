"""The legacy pipeline: the one that was replaced, holding what the original held.

Alive at each moment, with T the scope trees since the last flush, J their JSON, Z its gzip:

| moment | alive |
|---|---|
| between flushes | T, and the trees of the batch before that no new tree has overwritten |
| encoding | T, J as it grows, and what the encoder needs on the way |
| envelope | T, J, the envelope: a second copy of J |
| compressing | T, J, the envelope, Z as it grows |
| framing | T, J, the envelope, Z, the multipart body: a second copy of Z |
| posting | all of them, until the intake has answered |
| after the flush | the stale trees: the list was cut to length zero, not cleared |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import structs

from harness.config import KIB, PipelineOptions
from harness.contracts import Poster
from harness.errors import PayloadTooLarge
from harness.model import (
    Package,
    Scope,
    continue_package,
    count_functions,
    is_continuation,
)
from harness.pipelines import envelope, multipart
from harness.pipelines.compressors import Compressor, make_compressor
from harness.pipelines.encoders import make_encoder
from harness.records import Batch, Counters

STAGE = {"": "scope tree", "__init__": "other", "_upload": "multipart", "_compress": "gzip"}

_PIECE_BYTES = 64 * KIB


class ScopeList:
    """A list cut to length zero without being cleared, as Go's `list[:0]` does it.

    A slot keeps its tree until a later append overwrites it.
    """

    def __init__(self) -> None:
        self._slots: list[Scope] = []
        self._used = 0

    def __len__(self) -> int:
        return self._used

    def append(self, scope: Scope) -> None:
        """Put `scope` into the next slot."""
        if self._used < len(self._slots):
            self._slots[self._used] = scope
        else:
            self._slots.append(scope)
        self._used += 1

    def view(self) -> list[Scope]:
        """Return the scopes in use; a new list of references, not of trees."""
        return self._slots[: self._used]

    def truncate(self) -> None:
        """Start again at the first slot, letting go of nothing."""
        self._used = 0


class LegacyUploader:
    """Collects whole package trees and uploads them as one document."""

    def __init__(
        self, poster: Poster, options: PipelineOptions, observe: Callable[[Batch], None]
    ) -> None:
        self.counters = Counters()
        self._poster = poster
        self._options = options
        self._observe = observe
        self._encoder = make_encoder(options.encoder)
        self._scopes = ScopeList()
        self._functions = 0

    def add_package(self, package: Package) -> None:
        """Build the whole tree of the package and keep it."""
        tree = package.scope
        tree.scopes = list(package.children)
        self._scopes.append(tree)
        self._functions += count_functions(tree)

    def is_full(self) -> bool:
        """Tell whether enough functions are waiting. Packages of types alone never fill a batch."""
        return self._functions >= self._options.function_limit

    def flush(self, final: bool) -> None:
        """Upload what was collected; nothing collected, nothing sent."""
        if not len(self._scopes):
            return
        self._deliver(self._scopes.view(), final)
        self._scopes.truncate()
        self._functions = 0

    def _deliver(self, scopes: list[Scope], final: bool) -> None:
        """Upload `scopes`, in smaller batches if the receiver refuses their size."""
        try:
            self._upload(scopes, final)
        except PayloadTooLarge:
            if len(scopes) == 1 and not scopes[0].scopes:
                raise
        else:
            return
        if len(scopes) == 1 and len(scopes[0].scopes) == 1:
            self.counters.dropped += 1
            self._deliver([structs.replace(scopes[0], scopes=[])], final)
            return
        first, second = _halve(scopes)
        self._deliver(first, final=False)
        self._deliver(second, final)

    def _upload(self, scopes: list[Scope], final: bool) -> None:
        # All four buffers keep their names to the end: the original's frame kept them as well.
        number = self.counters.batches + 1
        upload, escaping = self._poster.options, self._options.legacy_escaping
        scopes_json = self._encoder.encode(scopes)
        document = envelope.legacy_envelope(upload, number, final, scopes_json, escaping)
        compressor = make_compressor(self._options.compressor, self._options.level)
        attachment = _compress(document, compressor)
        boundary = multipart.new_boundary()
        event = envelope.legacy_event(upload, escaping)
        body = b"".join(
            (multipart.prologue(boundary), attachment, multipart.epilogue(boundary, event))
        )
        self._poster.post(multipart.BytesBody(multipart.content_type(boundary), body))
        self._record(scopes, len(document), len(body), final)

    def _record(self, scopes: list[Scope], raw_bytes: int, payload_bytes: int, final: bool) -> None:
        batch = Batch(
            batch_num=self.counters.batches + 1,
            scopes=sum(len(package.scopes) for package in scopes),
            functions=sum(map(count_functions, scopes)),
            raw_bytes=raw_bytes,
            payload_bytes=payload_bytes,
            threshold_bytes=0,
            overshoot_bytes=0,
            final=final,
        )
        packages = sum(not is_continuation(package) for package in scopes)
        self.counters.add(batch, packages)
        self._observe(batch)


def _compress(document: bytes, compressor: Compressor) -> bytearray:
    """Compress into a buffer that grows, as the original did.

    Handing over the document in one piece would make Python's zlib set aside blocks of up to 4 MiB
    for the result: memory that the original never held.
    """
    attachment = bytearray()
    with memoryview(document) as view:
        for start in range(0, len(view), _PIECE_BYTES):
            attachment += compressor.compress(view[start : start + _PIECE_BYTES])
    attachment += compressor.flush()
    return attachment


def _halve(scopes: list[Scope]) -> tuple[list[Scope], list[Scope]]:
    """Cut a batch between two packages, or its only package between two children."""
    if len(scopes) > 1:
        middle = len(scopes) // 2
        return scopes[:middle], scopes[middle:]
    package, middle = scopes[0], len(scopes[0].scopes) // 2
    rest = continue_package(package)
    rest.scopes = package.scopes[middle:]
    return [structs.replace(package, scopes=package.scopes[:middle])], [rest]


def run(
    packages: Iterator[Package],
    poster: Poster,
    options: PipelineOptions,
    observe: Callable[[Batch], None],
) -> Counters:
    """Ship all packages, flushing when `function_limit` functions have been collected."""
    uploader = LegacyUploader(poster, options, observe)
    package = next(packages, None)
    while package is not None:
        uploader.add_package(package)
        del package
        package = next(packages, None)
        if package is None or uploader.is_full():
            uploader.flush(final=package is None)
    return uploader.counters
