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

from harness.config import PipelineOptions
from harness.contracts import Poster
from harness.model import Package, Scope, count_functions
from harness.pipelines import envelope, multipart
from harness.pipelines.batch_encoder import count_batch
from harness.pipelines.compressors import make_compressor
from harness.pipelines.encoders import make_encoder
from harness.records import Batch, Counters


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
        self._batch_num = 0

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
        self._batch_num += 1
        self._upload(self._scopes.view(), final)
        self._scopes.truncate()
        self._functions = 0

    def _upload(self, scopes: list[Scope], final: bool) -> None:
        # All four buffers keep their names to the end: the original's frame kept them as well.
        upload, escaping = self._poster.options, self._options.legacy_escaping
        scopes_json = self._encoder.encode(scopes)
        document = envelope.legacy_envelope(upload, self._batch_num, final, scopes_json, escaping)
        compressor = make_compressor(self._options.compressor, self._options.level)
        attachment = compressor.compress(document) + compressor.flush()
        boundary = multipart.new_boundary()
        event = envelope.legacy_event(upload, escaping)
        body = b"".join(
            (multipart.prologue(boundary), attachment, multipart.epilogue(boundary, event))
        )
        self._poster.post(multipart.BytesBody(multipart.content_type(boundary), body))
        self._record(scopes, len(document), len(body), final)

    def _record(self, scopes: list[Scope], raw_bytes: int, payload_bytes: int, final: bool) -> None:
        batch = Batch(
            batch_num=self._batch_num,
            scopes=sum(len(package.scopes) for package in scopes),
            functions=sum(map(count_functions, scopes)),
            raw_bytes=raw_bytes,
            payload_bytes=payload_bytes,
            threshold_bytes=0,
            overshoot_bytes=0,
            final=final,
        )
        count_batch(self.counters, batch, len(scopes))
        self._observe(batch)


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
