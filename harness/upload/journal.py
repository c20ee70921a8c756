"""What became of each batch of an upload, kept so that another process can go on with it.

A journal is a file of JSON lines. A line is written before a batch is sent and after its answer,
each time down to the disk: whatever ends the process, what is not known to have been refused may
have been accepted. Batches are told by number and digest, because a pipeline makes the same ones
again from the same binary, options and versions: going on means to make all of them, and to send
only those that are not accepted yet.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Literal, Self

import msgspec
from msgspec import Struct

from harness.config import KIB
from harness.contracts import Body, Poster
from harness.errors import ConfigError, HarnessError, PayloadTooLarge, UploadError, failing_as
from harness.intake.form import FormError, read_boundary
from harness.wire import WireError, decode

JOURNAL = "upload.jsonl"
_CHUNK_BYTES = 64 * KIB

BatchState = Literal["begun", "sending", "accepted", "too-large", "refused", "complete"]


class JournalLine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of an upload's journal: what became of a batch, or is becoming of it.

    The first line is `begun`, with batch 0. `sending` with nothing behind it means that the batch
    may have been accepted. `too-large` batches are sent in halves under the same number, so a
    number may have several digests. `complete` follows the final batch, under its number.
    """

    upload_id: str
    batch: int = 0
    digest: str = ""
    state: BatchState


class Journal:
    """The lines of one upload, in a file or, without one, in memory only."""

    def __init__(self, upload_id: str, path: Path | None = None) -> None:
        self.upload_id = upload_id
        self.path = path
        self._file: BinaryIO | None = None
        self._states: dict[tuple[int, str], BatchState] = {}
        if path is not None:
            self._file = _opened(path, "xb")
            try:
                self.note(0, "", "begun")
            except HarnessError:
                self.close()
                path.unlink()  # what says nothing can neither be gone on with nor begun again
                raise

    @classmethod
    def resume(cls, path: Path) -> Self:
        """Return the journal in a file, to go on with.

        Raises:
            ConfigError: It cannot be read, is in use, or is none.
        """
        file = _opened(path, "r+b")
        try:
            lines = _read(file, path)
        except BaseException:
            file.close()
            raise
        journal = cls(lines[0].upload_id)
        journal.path, journal._file = path, file
        for line in lines:
            journal._states[line.batch, line.digest] = line.state
        return journal

    @property
    def accepted(self) -> int:
        """The number of the last batch that is known to have been accepted; 0 for none."""
        return max(self.numbers("accepted"), default=0)

    @property
    def complete(self) -> bool:
        """Whether the final batch is known to have been accepted."""
        return any(self._in("complete"))

    def numbers(self, state: BatchState) -> list[int]:
        """Return the numbers of the batches in a state: one that is `sending` may be accepted."""
        return sorted({number for number, _ in self._in(state)})

    def state(self, batch: int, digest: str) -> BatchState | None:
        """Return what became of a batch; None if it was never sent.

        Raises:
            ConfigError: Another batch was, or may have been, accepted under the number.
        """
        state = self._states.get((batch, digest))
        taken = (*self.numbers("accepted"), *self.numbers("sending"))
        if state in (None, "refused") and batch in taken:
            raise ConfigError(
                f"{self.path}: batch {batch} is not what was sent before: the binary, an option or "
                "a version is another one",
                remedy="repeat the command as it was, or begin a new upload with another journal",
            )
        return state

    def note(self, batch: int, digest: str, state: BatchState) -> None:
        """Write down what becomes of a batch.

        Raises:
            HarnessError: It cannot be written.
        """
        line = JournalLine(upload_id=self.upload_id, batch=batch, digest=digest, state=state)
        if state != "sending":  # it has happened, whether it can be written down or not
            self._states[batch, digest] = state
        remedy = "make room for it, then go on with the upload by --resume"
        with failing_as(HarnessError, f"the journal {self.path} cannot be written", remedy):
            self._write(msgspec.json.encode(line) + b"\n")
        self._states[batch, digest] = state

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            with suppress(OSError):  # what could not be written was said when it was tried
                self._file.close()

    def _write(self, data: bytes) -> None:
        """Write all of a line or none of it: a disk that is nearly full takes a part in silence."""
        if self._file is None:
            return
        start = self._file.tell()
        try:
            while data:
                data = data[self._file.write(data) :]
            os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(start)
            self._file.seek(start)
            raise

    def _in(self, state: BatchState) -> list[tuple[int, str]]:
        return [batch for batch, found in self._states.items() if found == state]


class JournaledPoster:
    """Passes on what is not accepted yet, and writes down what becomes of it.

    Attributes:
        skipped: How many batches were not sent, because they had been accepted before.
        number: Of the batch that is being sent, or was last.
        stuck: Whether going on would end here again.
    """

    def __init__(self, poster: Poster, journal: Journal) -> None:
        self.options = poster.options
        self.skipped = 0
        self.number = 0
        self.stuck = False
        self._poster = poster
        self._journal = journal
        self._done = 0

    def post(self, body: Body) -> None:
        """Deliver `body`, unless it was accepted before.

        Raises:
            ConfigError: It is not what was sent before under its number.
            HarnessError: The journal cannot be written; else as the poster's own.
        """
        self.number, digest = self._done + 1, digest_of(body)
        state = self._journal.state(self.number, digest)
        if state == "too-large":
            raise PayloadTooLarge(f"batch {self.number} was refused as too large before")
        if state == "accepted":
            self.skipped += 1
        else:
            self._send(body, digest, unsure=state == "sending")
        self._done += 1

    def _send(self, body: Body, digest: str, *, unsure: bool) -> None:
        number, journal = self.number, self._journal
        if not unsure:
            journal.note(number, digest, "sending")
        try:
            self._poster.post(body)
        except PayloadTooLarge as error:
            if unsure:  # halves would not be the batch that may have been accepted
                self.stuck = True
                message = f"{error}, after it may have been accepted in an upload before"
                raise UploadError(message, remedy="begin a new upload") from None
            journal.note(number, digest, "too-large")
            raise
        except HarnessError as error:
            if not unsure and not error.unheard:
                with suppress(HarnessError):  # why it was refused is more worth saying
                    journal.note(number, digest, "refused")
            raise
        journal.note(number, digest, "accepted")


def digest_of(body: Body) -> str:
    """Return what tells a body from any other, but for the boundary, which is drawn anew."""
    digest, held = hashlib.sha256(), b""
    try:
        boundary = read_boundary(body.content_type)
    except FormError:  # it is no form
        boundary = b"\xff"  # which is in no text
    with body.open() as reader:
        while data := reader.read(_CHUNK_BYTES):
            held = (held + data).replace(boundary, b"")
            digest.update(held[: -len(boundary)])
            held = held[-len(boundary) :]
    digest.update(held)
    return digest.hexdigest()


def _opened(path: Path, mode: Literal["xb", "r+b"]) -> BinaryIO:
    try:
        file: BinaryIO = path.open(mode, buffering=0)
    except FileExistsError:
        raise ConfigError(
            f"{path} is there already",
            remedy="go on with its upload by --resume, or name another file",
        ) from None
    except OSError as error:
        raise ConfigError(
            f"the journal {path} cannot be opened: {error.strerror}", remedy="name another file"
        ) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise ConfigError(
            f"the journal {path} is in use by another upload", remedy="wait for its end"
        ) from None
    return file


def _read(file: BinaryIO, path: Path) -> list[JournalLine]:
    """Return the lines; one that was cut short by the end of its process is taken out."""
    try:
        data = file.read()
        whole = data.rfind(b"\n") + 1
        lines = [decode(line, JournalLine) for line in data[:whole].splitlines()]
    except (WireError, OSError) as error:
        raise ConfigError(f"{path} is not the journal of an upload: {error}") from None
    if not lines or len({line.upload_id for line in lines}) > 1:
        raise ConfigError(f"{path} is not the journal of one upload", remedy="begin a new one")
    file.truncate(whole)
    file.seek(whole)
    return lines
