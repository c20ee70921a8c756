"""The streaming pipeline: one child alive, everything else already compressed, in a sink."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

from harness.config import PipelineOptions
from harness.contracts import Poster
from harness.errors import HarnessError, PayloadTooLarge, PipelineError
from harness.model import FUNCTION_TYPES, Package, Scope
from harness.pipelines.encoders import ENCODING_ERRORS, make_encoder, unencodable
from harness.pipelines.halves import send_in_halves
from harness.pipelines.open_batch import OpenBatch, SealedBatch
from harness.pipelines.package_writer import LARGE, PackageWriter, tally
from harness.pipelines.sinks import make_sink
from harness.records import Batch, Counters

STAGE = {"": "other", "_add_small": "gzip", "add_package": "scope tree"}

_COMMA = ord(",")
_WAITING = "a batch that was not accepted is waiting to be flushed again"
_LOST = "a batch was accepted in part when it was split for its size; the rest is lost"


class BatchEncoder:
    """Encodes packages child by child into batches, and posts each batch from the sink.

    Alive at any moment: the package scope without its children, one child, at most 80 KiB or so of
    its JSON, the compressor, and the compressed bytes of the batch: no list of scopes, no JSON
    document, no second copy of the payload.

    `size()` counts every byte of the request body written to the sink so far: the multipart
    framing in front, and gzip output. `Batch.payload_bytes` is the same quantity once the batch is
    complete, thus with the rest of the gzip stream, the event part and the closing boundary.
    Threshold and overshoot refer to it.

    With `hard_limit`, a child that would make the batch exceed the threshold begins the next batch
    instead, and its package is continued there (see `hard_limit` and `continuation`).

    After a failed POST the batch stays in the sink, complete: `flush` sends it again, as often as
    the caller likes, without new extraction. Nothing can be added until it has been accepted. With
    the hard limit a POST may fail while something is being added, which is then not taken: once the
    batch is accepted, the same call goes on where it was, `add_package` in the middle of its
    package. Until then there is no other package and no final batch: both would hide what is
    missing.
    """

    def __init__(
        self, poster: Poster, options: PipelineOptions, observe: Callable[[Batch], None]
    ) -> None:
        self.counters = Counters()
        self._poster = poster
        self._options = options
        self._limited = options.hard_limit
        self._sync_scopes = options.sync_flush == "scope"
        self._observe = observe
        self._encoder = make_encoder(options.encoder)
        self._sink = make_sink(options.sink)
        self._open: OpenBatch | None = None
        self._sealed: SealedBatch | None = None
        self._batch_num = 0
        self._lost = False
        self._package = PackageWriter(self._encoder)

    def add_package(self, package: Package) -> None:
        """Encode a package, taking one child at a time from it.

        Raises:
            PipelineError: It cannot be encoded, or another package is not complete.
            UploadError: As in `add_scope`; call again with the same package.
        """
        if not self._package.is_owed(package):
            self.begin_package(package.scope)
        child = self._package.first_child(package)
        while child is not None:
            self.add_scope(child)
            del child  # before the next one is made
            child = self._add_small(package.children)
        self.end_package()

    def begin_package(self, scope: Scope) -> None:
        """Begin a package; what follows are its children.

        Raises:
            PipelineError: The one before it was not ended, or an unaccepted batch is in the way.
        """
        if self._sealed is not None:
            raise PipelineError(_WAITING)
        self._package.begin(scope)

    def add_scope(self, scope: Scope) -> None:
        """Encode one child of the package that was begun.

        Raises:
            PipelineError: It cannot be encoded, or an unaccepted batch is in the way.
            UploadError: A batch had to be sent first to keep the hard limit, and was not accepted.
                The scope was not taken: flush, then add it again.
        """
        self._package.expect(scope)
        functions, nodes = tally(scope)
        batch = self._writable()
        try:
            if self._limited and batch.units:
                batch = self._place_child(batch, scope, large=nodes >= LARGE)
            else:
                self._package.write_child(batch, scope, whole=nodes < LARGE)
        except HarnessError as error:
            self._note_failure(scope, error)
            raise
        self._package.note(batch)
        self._package.children += 1
        batch.count(1, functions)
        if self._sync_scopes:
            batch.stream.sync()
        else:
            batch.stream.advance()

    def end_package(self) -> None:
        """Close the package that was begun; the errors are those of `add_scope`."""
        self._package.expect(self._package.scope)
        if not self._package.begun:
            self._add_childless()
        elif self._package.children:
            self._package.close(self._writable())
        self._package.end()
        if self._open is not None and self._options.sync_flush != "none":
            self._open.stream.sync()

    def size(self) -> int:
        """Return how many bytes of the request body are in the sink; 0 between batches."""
        if self._open is not None:
            self._open.stream.push()
        return len(self._sink)

    def is_full(self) -> bool:
        """Tell whether `size()` has reached the threshold.

        Far from it, the buffer is left as it is: packages may be small, and a compressor is called
        for little as dearly as for much.
        """
        if self._open is not None and not self._open.may_reach_threshold():
            return False
        return self.size() >= self._options.threshold_bytes

    def flush(self, final: bool) -> None:
        """Complete the batch and post it; without anything to send, do nothing.

        A package in the middle is closed in this batch and continued in the next. A batch that was
        not accepted is sent as it was completed, whatever is final now.

        Raises:
            UploadError: The batch was not accepted; it is still there to be sent again.
            PipelineError: The batch cannot be completed, or what is to be final is not.
        """
        if self._lost:
            raise PipelineError(_LOST)
        if self._sealed is not None:
            self._send(self._sealed)
        if self._open is not None and not self._open.stream.intact:
            raise PipelineError("a failure left the batch incomplete; it cannot be sent")
        if final:
            self._package.refuse_incomplete()
        if self._open is not None:
            if self._package.children:
                self._package.close(self._open)
            self._sealed, self._open = self._open.seal(final), None
            self._send(self._sealed)

    def close(self) -> None:
        """Drop what was not sent and release the sink."""
        self._open = self._sealed = None
        self._sink.close()

    def _note_failure(self, unit: Scope | None, error: HarnessError) -> None:
        if not isinstance(error, PipelineError):
            self._package.owed = unit
        elif self._open is not None:
            self._open.stream.intact = False

    def _add_childless(self) -> None:
        batch = self._writable()
        try:
            if self._limited and batch.units:
                batch = self._fit(self._package.write_childless, small=True)
            else:
                self._package.write_childless(batch)
        except HarnessError as error:
            self._note_failure(self._package.scope, error)
            raise
        self._package.note(batch)
        batch.units += 1

    def _add_small(self, children: Iterator[Scope]) -> Scope | None:
        """Add children up to the first that is large or may not fit, and return that one.

        What `add_scope` has to find out costs as much as encoding a function of ordinary size.
        """
        batch = self._open
        if batch is None or self._sync_scopes:
            return next(children, None)
        stream, write_at = batch.stream, self._encoder.write_at
        buffer, room = stream.buffer, batch.buffer_room()
        end = len(buffer)
        added = functions = 0
        try:
            for child in children:
                if child.scopes:
                    inside, nodes = tally(child)
                    if nodes >= LARGE:
                        return child
                else:
                    inside = child.scope_type in FUNCTION_TYPES
                start = end
                try:
                    write_at(child, buffer, start + 1)
                except ENCODING_ERRORS as error:
                    raise unencodable(error) from error
                buffer[start] = _COMMA
                end = len(buffer)
                if end >= room:
                    if self._limited and not batch.budget.is_safe():
                        end = start
                        return child
                    stream.compress_buffer()
                    room = batch.buffer_room()
                    end = 0
                functions += inside
                added += 1
                del child  # before the next one is made
        except PipelineError:
            stream.intact = False
            raise
        finally:
            del buffer[end:]
            self._package.children += added
            batch.count(added, functions)
        return None

    def _writable(self) -> OpenBatch:
        if self._sealed is not None:
            raise PipelineError(_WAITING)
        if self._open is None:
            self._batch_num += 1
            self._open = OpenBatch(self._batch_num, self._sink, self._poster.options, self._options)
        return self._open

    def _place_child(self, batch: OpenBatch, scope: Scope, *, large: bool) -> OpenBatch:
        # What cannot be taken back has to be held until it is known to fit.
        whole = not large or not batch.stream.can_restore()
        if whole:
            buffer = batch.stream.buffer
            start = len(buffer)
            self._package.write_child(batch, scope, whole=True)
            if batch.budget.is_safe():
                return batch
            del buffer[start:]

        def write(into: OpenBatch) -> None:
            self._package.write_child(into, scope, whole=whole)

        return self._fit(write, small=whole)

    def _fit(self, write: Callable[[OpenBatch], None], *, small: bool) -> OpenBatch:
        """Write a unit to this batch if it stays within the limit, otherwise to the next."""
        batch = self._writable()
        if batch.budget.admit(lambda: write(batch), small=small):
            return batch
        self.flush(final=False)
        batch = self._writable()
        write(batch)
        return batch

    def _send(self, sealed: SealedBatch) -> None:
        try:
            self._poster.post(sealed.body)
        except PayloadTooLarge:
            if sealed.units == 1 and not sealed.batch.scopes:
                raise
        else:
            self._forget_sealed()
            self.counters.add(sealed.batch, sealed.packages)
            self._observe(sealed.batch)
            return
        self._send_in_halves(sealed)

    def _send_in_halves(self, sealed: SealedBatch) -> None:
        """Send the batch's content in two smaller ones, which may be split again.

        If one of them fails otherwise, this encoder is of no more use: part was accepted.
        """
        smaller = BatchEncoder(self._poster, self._options, self._observe)
        smaller._batch_num, smaller.counters = self._batch_num - 1, self.counters
        self._lost = True
        with closing(smaller):
            send_in_halves(sealed, smaller)
        self._lost = False
        self._batch_num = smaller._batch_num
        self._forget_sealed()

    def _forget_sealed(self) -> None:
        self._sealed = None
        self._sink.truncate(0)


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
