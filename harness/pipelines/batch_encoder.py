"""The streaming pipeline's encoder: scopes go straight into a gzip stream over a sink."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO

from msgspec import Struct

from harness.config import PipelineOptions, UploadOptions
from harness.contracts import Poster
from harness.errors import PipelineError
from harness.model import Package, Scope, count_functions
from harness.pipelines import envelope, multipart
from harness.pipelines.compressors import make_compressor
from harness.pipelines.encoders import make_encoder
from harness.pipelines.gzip_stream import GzipStream
from harness.pipelines.sinks import Sink, make_sink
from harness.records import Batch, Counters


class SinkBody:
    """What a sink holds, as a request body that can be sent again."""

    def __init__(self, content_type: str, sink: Sink) -> None:
        self.content_type = content_type
        self._sink = sink

    def __len__(self) -> int:
        return len(self._sink)

    def open(self) -> IO[bytes]:
        """Return a fresh reader from the start."""
        return self._sink.open()


class _OpenBatch(Struct):
    """The batch being filled."""

    stream: GzipStream
    boundary: bytes
    prologue_bytes: int
    packages: int = 0
    scopes: int = 0
    functions: int = 0


class _SealedBatch(Struct):
    """A complete body in the sink, from the moment it is closed until it is accepted."""

    batch: Batch
    body: SinkBody
    packages: int


class BatchEncoder:
    """Encodes packages child by child into batches, and posts each batch from the sink.

    Alive at any moment: the package scope without its children, one child, its JSON, the
    compressor, and the compressed bytes of the batch: no list of scopes, no JSON document, no
    second copy of the payload.

    `size()` counts every byte of the request body written to the sink so far: the multipart
    framing in front, and gzip output. `Batch.payload_bytes` is the same quantity once the batch is
    complete, thus with the rest of the gzip stream, the event part and the closing boundary.
    Threshold and overshoot refer to it.

    After a failed POST the batch stays in the sink, complete: `flush` sends it again, as often as
    the caller likes, without new extraction. Nothing can be added until it has been accepted.
    """

    def __init__(
        self, poster: Poster, options: PipelineOptions, observe: Callable[[Batch], None]
    ) -> None:
        self.counters = Counters()
        self._poster = poster
        self._options = options
        self._observe = observe
        self._encoder = make_encoder(options.encoder)
        self._sink = make_sink(options.sink)
        self._open: _OpenBatch | None = None
        self._sealed: _SealedBatch | None = None
        self._batch_num = 0
        self._children = 0

    def add_package(self, package: Package) -> None:
        """Encode a package, taking one child at a time from it."""
        self.begin_package(package.scope)
        for child in package.children:
            self.add_scope(child)
        self.end_package()

    def begin_package(self, scope: Scope) -> None:
        """Open a package: its own fields, without the brace that closes it."""
        batch = self._writable()
        stream = batch.stream
        if batch.packages:
            stream.buffer += b","
        self._encoder.append(scope, stream.buffer)
        del stream.buffer[-1:]
        stream.advance()
        batch.packages += 1
        self._children = 0

    def add_scope(self, scope: Scope) -> None:
        """Encode one child of the open package."""
        batch = self._writable()
        stream = batch.stream
        stream.buffer += b"," if self._children else b',"scopes":['
        self._encoder.append(scope, stream.buffer)
        self._children += 1
        batch.scopes += 1
        batch.functions += count_functions(scope)
        if self._options.sync_flush == "scope":
            stream.sync()
        else:
            stream.advance()

    def end_package(self) -> None:
        """Close the open package."""
        stream = self._writable().stream
        stream.write(b"]}" if self._children else b"}")
        if self._options.sync_flush != "none":
            stream.sync()

    def size(self) -> int:
        """Return how many bytes of the request body are in the sink; 0 between batches."""
        if self._open is not None:
            self._open.stream.push()
        return len(self._sink)

    def flush(self, final: bool) -> None:
        """Complete the batch and post it; without anything to send, do nothing.

        Raises:
            UploadError: The batch was not accepted; it is still there to be sent again.
            PipelineError: The batch cannot be completed.
        """
        if self._open is not None:
            self._sealed = self._seal(self._open, final)
            self._open = None
        if self._sealed is not None:
            self._send(self._sealed)

    def close(self) -> None:
        """Drop what was not sent and release the sink."""
        self._open = self._sealed = None
        self._sink.close()

    def _writable(self) -> _OpenBatch:
        if self._sealed is not None:
            raise PipelineError("a batch that was not accepted is waiting to be flushed again")
        if self._open is None:
            self._open = self._start()
        return self._open

    def _start(self) -> _OpenBatch:
        self._batch_num += 1
        boundary = multipart.new_boundary()
        self._sink.truncate(0)
        self._sink.write(multipart.prologue(boundary))
        prologue_bytes = len(self._sink)
        stream = GzipStream(
            self._sink, make_compressor(self._options.compressor, self._options.level)
        )
        stream.write(envelope.streaming_prefix(self._upload, self._batch_num))
        return _OpenBatch(stream, boundary, prologue_bytes)

    @property
    def _upload(self) -> UploadOptions:
        return self._poster.options

    def _seal(self, opened: _OpenBatch, final: bool) -> _SealedBatch:
        opened.stream.write(envelope.streaming_suffix(final))
        opened.stream.finish()
        attachment_bytes = len(self._sink) - opened.prologue_bytes
        event = envelope.streaming_event(self._upload, self._batch_num, final, attachment_bytes)
        self._sink.write(multipart.epilogue(opened.boundary, event))
        payload_bytes = len(self._sink)
        threshold_bytes = self._options.threshold_bytes
        batch = Batch(
            batch_num=self._batch_num,
            scopes=opened.scopes,
            functions=opened.functions,
            raw_bytes=opened.stream.raw_bytes,
            payload_bytes=payload_bytes,
            threshold_bytes=threshold_bytes,
            overshoot_bytes=payload_bytes - threshold_bytes,
            final=final,
        )
        body = SinkBody(multipart.content_type(opened.boundary), self._sink)
        return _SealedBatch(batch, body, opened.packages)

    def _send(self, sealed: _SealedBatch) -> None:
        self._poster.post(sealed.body)
        self._sealed = None
        self._sink.truncate(0)
        count_batch(self.counters, sealed.batch, sealed.packages)
        self._observe(sealed.batch)


def count_batch(counters: Counters, batch: Batch, packages: int) -> None:
    """Add an accepted batch to the work done."""
    counters.packages += packages
    counters.scopes += batch.scopes
    counters.functions += batch.functions
    counters.batches += 1
    counters.raw_bytes += batch.raw_bytes
    counters.payload_bytes += batch.payload_bytes
