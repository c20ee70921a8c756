"""`harness intake`: a server on this machine that receives uploads and keeps a ledger of them."""

from __future__ import annotations

import json
from threading import Event
from typing import Annotated

import typer

from harness.cli.options import Fields, with_options
from harness.cli.output import error_console
from harness.config import IntakeOptions
from harness.intake.faults import KINDS, parse_fault
from harness.intake.server import serve


@with_options
def intake(
    *,
    listen: Annotated[IntakeOptions, Fields("host", "port")],
    misbehave: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FAULT",
            help="Show this fault to the next deliveries, in the order given: KIND, KIND:VALUE, "
            f"KIND:VALUE*TIMES or KIND* for ever. Kinds: {', '.join(KINDS)}.",
        ),
    ] = None,
) -> None:
    """Receive uploads until interrupted.

    Prints one JSON line with the server's URL when ready. Post batches to URL/verify/symdb/v1/input
    to have every scope read and digested, or to URL/count/symdb/v1/input to have only the framing
    checked; GET URL/ledger/UPLOAD_ID tells what was accepted.
    """
    faults = [parse_fault(text) for text in misbehave or []]
    with serve(listen.host, listen.port, faults=faults) as server:
        typer.echo(json.dumps({"url": server.url}))
        error_console().print(
            f"post to {server.url}/verify/symdb/v1/input, Ctrl-C ends", style="dim"
        )
        Event().wait()
