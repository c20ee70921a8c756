"""`harness upload`: send the scopes of one binary to a receiver, through either pipeline."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from msgspec import structs
from rich.console import Console

from harness.cli.interruption import Interruption
from harness.cli.options import Fields, with_options
from harness.cli.output import error_console
from harness.config import (
    MEASURED_OPTIONS,
    ONE_PIPELINE,
    PipelineOptions,
    SymbolOptions,
    UploadOptions,
)
from harness.contracts import Pipeline
from harness.errors import ConfigError, ExitCode, HarnessError
from harness.pipelines.compressors import at_default_level
from harness.records import Batch, Counters
from harness.registry import load
from harness.symbols import open_packages
from harness.text import json_bytes
from harness.units import format_bytes
from harness.upload.retry import DEFAULT_POLICY, RetryPolicy
from harness.upload.texts import Secret, check_text, read_secret

if TYPE_CHECKING:
    from harness.upload.client import Uploader


@with_options
def upload(  # noqa: PLR0913 - every parameter is an option of the command
    binary: Annotated[Path, typer.Argument(help="An ELF file with DWARF.", show_default=False)],
    *,
    destination: Annotated[
        UploadOptions,
        Fields(
            *("url", "service", "version", "runtime_id", "upload_id", "timeout_s"),
            required=("service", "version"),
        ),
    ],
    pipeline: Annotated[
        str, typer.Option(help="streaming, legacy, or any other that is installed.")
    ] = ONE_PIPELINE,
    symbols: Annotated[SymbolOptions, Fields("agent_version", "scope", "debug_dirs", "limits")],
    options: Annotated[PipelineOptions, Fields(*MEASURED_OPTIONS, "legacy_escaping")],
    level: Annotated[
        int | None,
        typer.Option(
            help="Level of the compressor; without, 1 for isal and "
            f"{PipelineOptions().level} for the others."
        ),
    ] = None,
    retry: Annotated[RetryPolicy, Fields("attempts")] = DEFAULT_POLICY,
    api_key_env: Annotated[
        str,
        typer.Option(metavar="NAME", help="Send DD-API-KEY from this environment variable."),
    ] = "",
    evp_origin: Annotated[
        str,
        typer.Option(metavar="NAME", help="Send DD-EVP-ORIGIN, as intakes without an agent want."),
    ] = "",
    trust_env: Annotated[
        bool,
        typer.Option(
            "--trust-env",
            help="Follow the proxy variables of the environment; their proxies have to be http://.",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what was sent as one JSON document.")
    ] = False,
) -> None:
    """Extract the scopes of BINARY and post them to URL in batches.

    The upload id comes first, then a line per batch and per attempt that failed. After a failure or
    Ctrl-C it is said which batches were accepted, and which one may have been.

    A failed request is tried again with growing pauses; a batch refused as too large is sent in
    smaller ones. Ctrl-C stops within a second or two, and nothing half-written is sent.

    Exit codes: 0 everything was accepted; 2 it could not be read or was not accepted; 4 the upload
    is incomplete, because scopes were refused as too large even alone; 130 interrupted.
    """
    if options.hard_limit and pipeline == "legacy":
        raise ConfigError(
            "legacy flushes after whole packages and cannot keep a hard limit",
            remedy="leave --hard-limit out, or use the streaming pipeline",
        )
    options = at_default_level(options) if level is None else structs.replace(options, level=level)
    check_text("agent version", symbols.agent_version)
    run = cast("Pipeline", load("pipeline", pipeline))
    secrets = {"DD-API-KEY": read_secret(api_key_env)} if api_key_env else {}
    policy = structs.replace(retry, total_s=max(retry.total_s, destination.timeout_s))
    headers = {"DD-EVP-ORIGIN": evp_origin} if evp_origin else {}
    upload_id = destination.upload_id or str(uuid.uuid4())
    destination = structs.replace(destination, upload_id=upload_id)
    shipment = _Shipment(destination, policy, secrets, headers, trust_env)
    try:
        shipment.send(binary, symbols, run, options)
    except HarnessError as error:
        if shipment.begun:
            shipment.report(as_json=as_json, error=error)
        raise
    shipment.report(as_json=as_json)
    raise typer.Exit(shipment.exit_code())


class _Shipment:
    """One upload, from a binary to its last batch."""

    def __init__(
        self,
        destination: UploadOptions,
        policy: RetryPolicy,
        secrets: dict[str, Secret],
        headers: dict[str, str],
        trust_env: bool,
    ) -> None:
        self._destination = destination
        self._policy = policy
        self._secrets = secrets
        self._headers = headers
        self._trust_env = trust_env
        self._console: Console = error_console()
        self._batches: list[Batch] = []
        self.begun = False
        self._counters = Counters()

    def send(
        self, binary: Path, symbols: SymbolOptions, run: Pipeline, options: PipelineOptions
    ) -> None:
        """Extract and upload; a signal cancels both."""
        client, interruption = _load_client(), Interruption()
        with open_packages(str(binary), symbols) as source, interruption.on_signals():
            if not source.language:
                raise ConfigError(f"{binary}: no compilation unit names its language")
            self._destination = structs.replace(self._destination, language=source.language)
            uploader = client(
                self._destination,
                self._policy,
                secret_headers=self._secrets,
                headers=self._headers,
                on_retry=self._tell_retry,
                cancellation=interruption.cancellation,
                trust_env=self._trust_env,
            )
            self._console.print(f"upload {self._destination.upload_id}")
            self.begun = True
            with uploader:
                self._destination = uploader.options
                packages = interruption.watch(source.packages)
                self._counters = run(packages, uploader, options, self._observe)
                interruption.cancellation.check()  # as long as nobody was told that it is complete

    def report(self, *, as_json: bool, error: HarnessError | None = None) -> None:
        """Say what was sent; after an error, what is known of the rest."""
        sent = self._counters
        if not sent.batches:  # the pipeline did not come to its end
            for batch in self._batches:
                sent.add(batch, 0)
        document = {
            "upload_id": self._destination.upload_id,
            "language": self._destination.language,
            "counters": sent,
            "batches": self._batches,
        }
        if error is not None:
            document |= self._tell_failure(error)
        if as_json:
            typer.echo(json_bytes(document).decode())
        if error is not None:
            return
        dropped = f", {sent.dropped:,} scopes refused as too large" if sent.dropped else ""
        self._console.print(
            f"upload {self._destination.upload_id}: {sent.batches:,} batches, "
            f"{sent.packages:,} packages, {sent.scopes:,} scopes, {sent.functions:,} functions, "
            f"{format_bytes(sent.payload_bytes)} sent{dropped}"
        )

    def _tell_failure(self, error: HarnessError) -> dict[str, object]:
        """Say which batches were accepted, which one may have been, and what to do."""
        accepted = len(self._batches)
        unsure = error.unheard
        next_one = "may have been accepted" if unsure else "was not accepted"
        complete = bool(self._batches) and self._batches[-1].final
        rest = "" if complete else f"; batch {accepted + 1} {next_one}, the rest was not sent"
        remedy = "" if complete else "; the next upload begins again, under a new id"
        self._console.print(
            f"upload {self._destination.upload_id}: {accepted:,} batches accepted{rest}{remedy}",
            markup=False,
        )
        maybe = [accepted + 1] if unsure and not complete else []
        return {"error": str(error), "maybe_accepted": maybe, "complete": complete}

    def _tell_retry(self, attempt: int, error: BaseException, wait_s: float) -> None:
        self._console.print(
            f"attempt {attempt} failed: {error}; again in {wait_s:.1f} s", style="dim", markup=False
        )

    def exit_code(self) -> ExitCode:
        """Return what a script needs to know of a shipment that came to its end."""
        return ExitCode.INVALID if self._counters.dropped else ExitCode.OK

    def _observe(self, batch: Batch) -> None:
        self._batches.append(batch)
        final = ", final" if batch.final else ""
        self._console.print(
            f"batch {batch.batch_num}: {batch.scopes:,} scopes, "
            f"{format_bytes(batch.payload_bytes)}{final}",
            style="dim",
        )


def _load_client() -> type[Uploader]:
    try:
        from harness.upload.client import Uploader  # noqa: PLC0415 - an extra may be missing
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"uploading needs {error.name}, which is not installed",
            remedy="python -m pip install 'harness[upload]'",
        ) from None
    return Uploader
