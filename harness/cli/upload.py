"""`harness upload`: send the scopes of one binary to a receiver, through either pipeline."""

from __future__ import annotations

import uuid
from contextlib import closing
from pathlib import Path
from typing import Annotated, cast

import typer
from msgspec import structs

from harness.cli.options import Fields, with_options
from harness.cli.shipment import Means, Shipment
from harness.config import (
    MEASURED_OPTIONS,
    ONE_PIPELINE,
    PipelineOptions,
    SymbolOptions,
    UploadOptions,
)
from harness.contracts import Pipeline
from harness.errors import ConfigError, HarnessError
from harness.pipelines.compressors import at_default_level
from harness.registry import load
from harness.upload.journal import Journal
from harness.upload.retry import DEFAULT_POLICY, RetryPolicy
from harness.upload.texts import check_text, read_secret


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
            help="Level of the compressor. Default: 1 for isal and "
            f"{PipelineOptions().level} for the others."
        ),
    ] = None,
    retry: Annotated[RetryPolicy, Fields("attempts")] = DEFAULT_POLICY,
    api_key_env: Annotated[
        str, typer.Option(metavar="NAME", help="Send DD-API-KEY from this environment variable.")
    ] = "",
    evp_origin: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Send DD-EVP-ORIGIN, which intakes without an agent need."
        ),
    ] = "",
    evp_origin_version: Annotated[
        str, typer.Option(metavar="TEXT", help="Send DD-EVP-ORIGIN-VERSION beside it.")
    ] = "",
    trust_env: Annotated[
        bool,
        typer.Option(
            "--trust-env",
            help="Follow the proxy variables of the environment; their proxies have to be http://.",
        ),
    ] = False,
    journal: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Keep in this new file what becomes of each batch, for --resume."
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Continue the upload of this journal under its ID: what was accepted is not sent "
            "again. Everything else has to be unchanged.",
        ),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify",
            help="At the end, read back what the receiver has; harness intake supports it.",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the outcome as one JSON document.")
    ] = False,
) -> None:
    """Extract the scopes of BINARY and post them to URL in batches.

    The upload id comes first, then a line per batch and per attempt that failed. After a failure or
    Ctrl-C, it reports which batches were accepted, which may have been, and how to go on.

    A failed request is tried again with growing pauses; a batch refused as too large is sent in
    smaller ones. Ctrl-C stops within a second or two, and nothing half-written is sent.

    Exit codes: 0 everything was accepted; 2 it could not be read or was not accepted; 4 the upload
    is incomplete, because scopes were refused as too large even alone, or --verify could not
    confirm it; 130 interrupted.
    """
    options = at_default_level(options) if level is None else structs.replace(options, level=level)
    with closing(_open_journal(destination.upload_id, journal, resume)) as kept:
        means = Means(
            policy=structs.replace(retry, total_s=max(retry.total_s, destination.timeout_s)),
            secrets={"DD-API-KEY": read_secret(api_key_env)} if api_key_env else {},
            headers=_origin(evp_origin, evp_origin_version),
            trust_env=trust_env,
        )
        shipment = Shipment(destination, means, kept)
        try:
            run = _load_pipeline(pipeline, symbols, options)
            shipment.send(binary, symbols, run, options, verify=verify)
        except HarnessError as error:
            shipment.report(error, as_json=as_json)
            raise
        shipment.report(None, as_json=as_json)
        raise typer.Exit(shipment.exit_code())


def _origin(name: str, version: str) -> dict[str, str]:
    headers = {"DD-EVP-ORIGIN": name, "DD-EVP-ORIGIN-VERSION": version}
    return {header: text for header, text in headers.items() if text}


def _open_journal(upload_id: str, new: Path | None, old: Path | None) -> Journal:
    if old is None:
        check_text("upload id", upload_id)
        return Journal(upload_id or str(uuid.uuid4()), new)
    if new is not None:
        raise ConfigError(
            "--journal begins an upload and --resume goes on with one",
            remedy="give one of them; --resume also appends to the journal it reads",
        )
    journal = Journal.resume(old)
    if upload_id not in ("", journal.upload_id):
        journal.close()
        raise ConfigError(
            f"{old} is the journal of upload {journal.upload_id}", remedy="leave --upload-id out"
        )
    return journal


def _load_pipeline(name: str, symbols: SymbolOptions, options: PipelineOptions) -> Pipeline:
    if options.hard_limit and name == "legacy":
        raise ConfigError(
            "legacy flushes after whole packages and cannot keep a hard limit",
            remedy="leave --hard-limit out, or use the streaming pipeline",
        )
    check_text("agent version", symbols.agent_version)
    return cast("Pipeline", load("pipeline", name))
