"""One upload, from a binary to its last batch, and what is said of it however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, structs

from harness.cli.interruption import Interruption
from harness.cli.output import error_console, write_json
from harness.config import PipelineOptions, SymbolOptions, UploadOptions
from harness.contracts import Pipeline
from harness.errors import ConfigError, ExitCode, HarnessError, MeasurementInvalid, UploadError
from harness.intake.ledger import disagreement
from harness.records import Batch, Counters
from harness.symbols import open_packages
from harness.text import counted
from harness.units import format_bytes
from harness.upload.document import Retry, UploadDocument
from harness.upload.journal import Journal, JournaledPoster
from harness.upload.retry import RetryPolicy
from harness.upload.texts import Secret

if TYPE_CHECKING:
    from harness.upload.client import Uploader


class Means(Struct, frozen=True, kw_only=True):
    """How batches get to where they go."""

    policy: RetryPolicy
    secrets: dict[str, Secret]
    headers: dict[str, str]
    trust_env: bool


class Shipment:
    """One upload, and what is known of it."""

    def __init__(self, destination: UploadOptions, means: Means, journal: Journal) -> None:
        self._destination = structs.replace(destination, upload_id=journal.upload_id)
        self._means = means
        self._journal = journal
        self._console = error_console()
        self._batches: list[Batch] = []
        self._retries: list[Retry] = []
        self._counters = Counters()
        self._poster: JournaledPoster | None = None
        self._verified: bool | None = None

    def send(
        self,
        binary: Path,
        symbols: SymbolOptions,
        run: Pipeline,
        options: PipelineOptions,
        *,
        verify: bool,
    ) -> None:
        """Extract and upload; a signal cancels both.

        Raises:
            HarnessError: What kept it from its end.
            MeasurementInvalid: All was accepted, but verified it was not.
        """
        client, interruption = _load_client(), Interruption()
        with open_packages(str(binary), symbols) as source, interruption.on_signals():
            if not source.language:
                raise ConfigError(f"{binary}: no compilation unit names its language")
            self._destination = structs.replace(self._destination, language=source.language)
            with self._connected(client, interruption) as (uploader, poster):
                packages = interruption.watch(source.packages)
                self._counters = run(packages, poster, options, self._observe)
                if verify:
                    self._verify(uploader)
            interruption.cancellation.check()  # as long as nobody was told that it is complete

    @contextmanager
    def _connected(
        self, client: type[Uploader], interruption: Interruption
    ) -> Iterator[tuple[Uploader, JournaledPoster]]:
        means = self._means
        uploader = client(
            self._destination,
            means.policy,
            secret_headers=means.secrets,
            headers=means.headers,
            on_retry=self._note_retry,
            cancellation=interruption.cancellation,
            trust_env=means.trust_env,
        )
        self._say(f"upload {self._journal.upload_id}")
        with uploader:
            self._poster = JournaledPoster(uploader, self._journal)
            yield uploader, self._poster

    def _verify(self, uploader: Uploader) -> None:
        self._verified = False
        try:
            ledger = uploader.read_ledger()
        except UploadError as error:
            raise MeasurementInvalid(
                f"all batches were accepted, but none could be verified: {error}",
                remedy="without --verify, an upload succeeds when every batch was accepted",
            ) from None
        problem = disagreement(self._counters, ledger, uploader.options.url)
        if problem:
            raise MeasurementInvalid(
                f"the receiver's ledger is not what was sent: {problem}",
                remedy="upload again under a new id",
            )
        self._verified = True

    def exit_code(self) -> ExitCode:
        """Return what a script needs to know of a shipment that came to its end."""
        return ExitCode.INVALID if self._counters.dropped else ExitCode.OK

    def report(self, error: HarnessError | None, *, as_json: bool) -> None:
        """Say what was sent; after an error, what is known of every batch, and what to do."""
        known = self._known(error)
        if as_json:
            write_json(known)
        if self._poster is None:  # it was not begun
            return
        if known.complete:
            self._say(_tell_complete(known))
        else:
            self._say(_tell_incomplete(known))
            self._say(f"upload {known.upload_id}: {known.remedy}")

    def _known(self, error: HarnessError | None) -> UploadDocument:
        sent, journal = self._counters, self._journal
        if not sent.batches:  # the pipeline did not come to its end
            for batch in self._batches:
                sent.add(batch, 0)
        return UploadDocument(
            upload_id=journal.upload_id,
            language=self._destination.language,
            counters=sent,
            batches=self._batches,
            accepted=journal.accepted,
            accepted_before=self._poster.skipped if self._poster else 0,
            maybe_accepted=journal.numbers("sending"),
            refused=journal.numbers("refused"),
            complete=journal.complete,
            verified=self._verified,
            retries=self._retries,
            journal=str(journal.path or ""),
            error=str(error or ""),
            remedy="" if journal.complete else self._remedy(),
        )

    def _remedy(self) -> str:
        path = self._journal.path
        if self._poster is not None and self._poster.stuck:
            return "begin a new one with another journal: going on would end here again"
        if path is None:
            return "repeat the command: it begins again, under a new id (--journal keeps the id)"
        return f"repeat the command with --resume {path}: it goes on under the same id"

    def _note_retry(self, attempt: int, error: BaseException, wait_s: float) -> None:
        batch = self._poster.number if self._poster else 0
        self._retries.append(Retry(batch=batch, attempt=attempt, reason=str(error), wait_s=wait_s))
        self._say(f"batch {batch}: attempt {attempt} failed: {error}; again in {wait_s:.1f} s")

    def _observe(self, batch: Batch) -> None:
        self._batches.append(batch)
        if batch.final and not self._journal.complete:
            self._journal.note(batch.batch_num, "", "complete")
        final = ", final" if batch.final else ""
        before = self._poster is not None and self._poster.skipped >= batch.batch_num
        self._say(
            f"batch {batch.batch_num}: {counted(batch.scopes, 'scope')}, "
            f"{format_bytes(batch.payload_bytes)}{final}{', accepted before' if before else ''}"
        )

    def _say(self, line: str) -> None:
        style = None if line.startswith("upload") else "dim"
        self._console.print(line, style=style, markup=False)


_BATCHES = ("batch", "batches")


def _tell_complete(known: UploadDocument) -> str:
    if not (known.batches and known.batches[-1].final):  # it was, before this process began
        accepted = counted(known.accepted, *_BATCHES)
        return f"upload {known.upload_id}: complete: {accepted} accepted before"
    sent = known.counters
    dropped = f", {counted(sent.dropped, 'scope')} refused as too large" if sent.dropped else ""
    before = f", {known.accepted_before:,} of them before" if known.accepted_before else ""
    verified = ", and the receiver's ledger says the same" if known.verified else ""
    return (
        f"upload {known.upload_id}: complete: {counted(sent.batches, *_BATCHES)} accepted{before}, "
        f"{counted(sent.packages, 'package')}, {counted(sent.scopes, 'scope')}, "
        f"{counted(sent.functions, 'function')}, "
        f"{format_bytes(sent.payload_bytes)} in all{dropped}{verified}"
    )


def _tell_incomplete(known: UploadDocument) -> str:
    parts = [f"{_batches(range(1, known.accepted + 1))} accepted"]
    if known.refused:
        parts.append(f"{_batches(known.refused)} refused")
    if known.maybe_accepted:
        parts.append(f"{_batches(known.maybe_accepted)} may have been accepted")
    return f"upload {known.upload_id}: {', '.join(parts)}, all others not sent"


def _batches(numbers: range | list[int]) -> str:
    if not numbers:
        return "no batch"
    first, last = numbers[0], numbers[-1]
    return f"batch {first}" if first == last else f"batches {first} to {last}"


def _load_client() -> type[Uploader]:
    try:
        from harness.upload.client import Uploader  # noqa: PLC0415 - an extra may be missing
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"uploading needs {error.name}, which is not installed",
            remedy="python -m pip install 'heapharness[upload]'",
        ) from None
    return Uploader
