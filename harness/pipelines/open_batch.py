"""One streaming batch, from its first byte in the sink to a complete request body."""

from __future__ import annotations

from msgspec import Struct

from harness.config import PipelineOptions, UploadOptions
from harness.pipelines import envelope, multipart
from harness.pipelines.compressors import held_back_bytes, make_compressor, worst_case_bytes
from harness.pipelines.gzip_stream import GzipStream
from harness.pipelines.hard_limit import BatchBudget
from harness.pipelines.sinks import Sink
from harness.records import Batch

STAGE = "gzip"

PACKAGE_END = b"]}"


class SealedBatch(Struct, frozen=True):
    """A complete body in the sink, from the moment it is closed until it is accepted."""

    batch: Batch
    body: multipart.SinkBody
    packages: int
    units: int
    attachment: range


class OpenBatch:
    """A batch being filled: its stream, what has been put into it, and the room that is left."""

    def __init__(
        self, number: int, sink: Sink, upload: UploadOptions, options: PipelineOptions
    ) -> None:
        self.packages = self.scopes = self.functions = self.units = 0
        self._number = number
        self._sink = sink
        self._upload = upload
        self._threshold_bytes = options.threshold_bytes
        self._limited = options.hard_limit
        self._held_back_bytes = held_back_bytes(options.compressor)
        self._boundary = multipart.new_boundary()
        sink.truncate(0)
        sink.write(multipart.prologue(self._boundary))
        self._prologue_bytes = len(sink)
        self.stream = GzipStream(sink, make_compressor(options.compressor, options.level))
        self.stream.write(envelope.streaming_prefix(upload, number))
        self.budget = self._make_budget()

    def _make_budget(self) -> BatchBudget:
        limit_bytes = self._threshold_bytes
        return BatchBudget(
            self.stream,
            self._sink,
            limit_bytes,
            closing_raw_bytes=len(PACKAGE_END + envelope.streaming_suffix(final=False)),
            epilogue_bytes=len(self._epilogue(final=False, attachment_bytes=max(limit_bytes, 0))),
        )

    def count(self, children: int, functions: int) -> None:
        """Note that so many children were written, with so many functions in them."""
        self.units += children
        self.scopes += children
        self.functions += functions

    def buffer_room(self) -> int:
        """Return the length from which on the stream's buffer has to be looked at."""
        if self._limited:
            return min(self.stream.room, self.budget.safe_buffer_bytes() + 1)
        return self.stream.room

    def may_reach_threshold(self) -> bool:
        """Tell whether the sink might, if the buffer were compressed now; if not, that is sure."""
        if self._held_back_bytes is None:
            return True
        most_bytes = worst_case_bytes(len(self.stream.buffer)) + self._held_back_bytes
        return len(self._sink) + most_bytes >= self._threshold_bytes

    def seal(self, final: bool) -> SealedBatch:
        """Complete the body in the sink; a batch that fails to cannot be tried again."""
        self.stream.write(envelope.streaming_suffix(final))
        self.stream.finish()
        self.stream.intact = False  # until the rest is in the sink as well
        attachment_bytes = len(self._sink) - self._prologue_bytes
        self._sink.write(self._epilogue(final, attachment_bytes))
        return SealedBatch(
            batch=self._claim(final),
            body=multipart.SinkBody(multipart.content_type(self._boundary), self._sink),
            packages=self.packages,
            units=self.units,
            attachment=range(self._prologue_bytes, self._prologue_bytes + attachment_bytes),
        )

    def _epilogue(self, final: bool, attachment_bytes: int) -> bytes:
        event = envelope.streaming_event(self._upload, self._number, final, attachment_bytes)
        return multipart.epilogue(self._boundary, event)

    def _claim(self, final: bool) -> Batch:
        payload_bytes = len(self._sink)
        return Batch(
            batch_num=self._number,
            scopes=self.scopes,
            functions=self.functions,
            raw_bytes=self.stream.raw_bytes,
            payload_bytes=payload_bytes,
            threshold_bytes=self._threshold_bytes,
            overshoot_bytes=payload_bytes - self._threshold_bytes,
            final=final,
        )
