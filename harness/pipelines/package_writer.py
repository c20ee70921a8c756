"""The JSON of one package, written child by child, over as many batches as it takes."""

from __future__ import annotations

from msgspec import structs

from harness.errors import PipelineError
from harness.model import FUNCTION_TYPES, Package, Scope, continue_package, is_continuation
from harness.pipelines.encoders import Encoder
from harness.pipelines.gzip_stream import GzipStream
from harness.pipelines.open_batch import PACKAGE_END, OpenBatch

STAGE = {"": "JSON", "tally": "scope tree"}

# From this many scopes and symbols on, a child is encoded in parts: its JSON is not held whole.
LARGE = 256


class PackageWriter:
    """Writes the package that was begun last.

    Attributes:
        scope: The package's own fields, from when it is begun until it is ended.
        children: How many of its children are in the present batch.
        begun: Whether a part of it is in this batch or in one before.
        owed: A child, or the childless package, that was to be added when the batch before it could
            not be sent. Nothing else is taken until it has been added.
    """

    def __init__(self, encoder: Encoder) -> None:
        self.children = 0
        self.begun = False
        self.scope: Scope | None = None
        self.owed: Scope | None = None
        self._encoder = encoder

    def begin(self, scope: Scope) -> None:
        """Begin a package; nothing is written yet.

        Raises:
            PipelineError: The one before it is not complete.
        """
        self.refuse_incomplete()
        self.scope = scope
        self.begun = False
        self.children = 0

    def end(self) -> None:
        """Let go of it."""
        self.scope = None

    def is_owed(self, package: Package) -> bool:
        """Tell whether something of this package was not taken before."""
        return self.owed is not None and self.scope is package.scope

    def first_child(self, package: Package) -> Scope | None:
        """Return the child to go on with: the one that was not taken, or the next."""
        if self.owed is None:
            return next(package.children, None)
        return None if self.owed is package.scope else self.owed

    def expect(self, unit: Scope | None) -> None:
        """Refuse anything but what was not taken before."""
        if self.owed is not None and self.owed is not unit:
            raise PipelineError(f"scope {self.owed.name!r} was not taken: it has to be added first")

    def refuse_incomplete(self) -> None:
        """Refuse to go on as if the package were complete."""
        if self.scope is not None:
            raise PipelineError(
                f"package {self.scope.name!r} is not complete: the rest would be lost"
            )

    def note(self, batch: OpenBatch) -> None:
        """Note that a part of the package is in `batch`, to stay."""
        self.owed = None
        if not self.begun:
            batch.packages += self.scope is not None and not is_continuation(self.scope)
            self.begun = True

    def write_child(self, batch: OpenBatch, scope: Scope, *, whole: bool) -> None:
        """Write a child, and before the first one of a batch the package's own fields.

        All of one that is `whole` stays in the buffer, so that it can be taken back from there.
        """
        buffer = batch.stream.buffer
        if self.children:
            buffer += b","
        else:
            self._write_header(batch)
            buffer += b',"scopes":['
        if whole:
            self._encoder.append(scope, buffer)
        else:
            self._write_parts(batch.stream, scope)

    def write_childless(self, batch: OpenBatch) -> None:
        """Write the package without children."""
        self._write_header(batch)
        batch.stream.buffer += b"}"

    def close(self, batch: OpenBatch) -> None:
        """Close what is in this batch; further children begin a continuation."""
        batch.stream.write(PACKAGE_END)
        self.children = 0

    def _write_header(self, batch: OpenBatch) -> None:
        """Append the package's own fields, without the brace that closes it."""
        if self.scope is None:
            raise PipelineError("a scope was added before its package was begun")
        buffer = batch.stream.buffer
        if batch.units:
            buffer += b","
        self._encoder.append(continue_package(self.scope) if self.begun else self.scope, buffer)
        del buffer[-1:]

    def _write_parts(self, stream: GzipStream, scope: Scope) -> None:
        """Append a large scope, handing its JSON on to the compressor as it is made."""
        if not scope.scopes:
            self._encoder.append(scope, stream.buffer)
            return
        self._encoder.append(structs.replace(scope, scopes=[]), stream.buffer)
        del stream.buffer[-1:]
        separator = b',"scopes":['
        for inner in scope.scopes:
            stream.write(separator)
            if tally(inner)[1] < LARGE:
                self._encoder.append(inner, stream.buffer)
            else:
                self._write_parts(stream, inner)
            separator = b","
        stream.write(b"]}")


def tally(scope: Scope) -> tuple[int, int]:
    """Return the functions in `scope`, and its scopes and symbols, itself included."""
    functions = nodes = 0
    reached = [scope]
    for inner in reached:  # grows while it is walked: half as dear as calls that nest
        if inner.scope_type in FUNCTION_TYPES:
            functions += 1
        nodes += 1 + len(inner.symbols)
        reached += inner.scopes
    return functions, nodes
