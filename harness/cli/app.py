"""Put the verbs together, and turn every failure into one line and an exit code."""

from __future__ import annotations

import errno
import inspect
import signal
import sys
from typing import Annotated

import typer

from harness.cli import (
    baseline,
    compare,
    corpus,
    doctor,
    export,
    gate,
    history,
    intake,
    pool,
    report,
    run,
    scaling,
    schema,
    scopes,
    sweep,
    upload,
)
from harness.cli.console import report_error
from harness.cli.streams import guarded_output, no_memory, no_room, quiet_errors
from harness.errors import NO_ROOM, ExitCode, HarnessError

app = typer.Typer(
    name="harness",
    help="Measure how much memory an upload pipeline holds at its peak, where it holds it, "
    "and whether a change made it worse.",
    epilog="Exit codes: 0 all good, 2 usage or unreadable input, 3 a gate failed, "
    "4 invalid or inconclusive measurement or incomplete upload, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("report")(report.report)
app.command("compare")(compare.compare)
app.command("gate")(gate.gate)
app.add_typer(baseline.app)
app.command("history")(history.history)
app.command("pool")(pool.pool)
app.command("export")(export.export)
app.command("schema")(schema.schema)
app.add_typer(corpus.app)
app.command("scopes")(scopes.scopes)
app.command("sweep")(sweep.sweep)
app.command("scaling")(scaling.scaling)
app.command("doctor")(doctor.doctor)
app.command("upload")(upload.upload)
app.command("intake")(intake.intake)


def _flow_help() -> None:
    """Let the paragraphs of every verb's help fill the terminal, whatever lines they stand in."""
    groups = (group.typer_instance for group in app.registered_groups)
    for one in (app, *filter(None, groups)):
        for verb in one.registered_commands:
            paragraphs = (inspect.getdoc(verb.callback) or "").split("\n\n")
            verb.help = "\n\n".join(" ".join(text.split()) for text in paragraphs)


_flow_help()


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version as installed  # noqa: PLC0415 - rarely asked for

        typer.echo(installed("harness"))
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version and exit.",
            is_eager=True,
            callback=_print_version,
        ),
    ] = False,
) -> None:
    """Take what stands before any verb."""


def main() -> None:
    """Run the command line, and exit with one of the documented codes."""
    _end_in_order_on_signals()
    with quiet_errors():
        sys.exit(_run())


def _run() -> int:
    try:
        with guarded_output():
            app(standalone_mode=True)
    except HarnessError as error:
        report_error(error)
        return error.exit_code
    except OSError as error:
        if error.errno not in (*NO_ROOM, errno.ENOMEM):
            raise
        report_error(no_memory() if error.errno == errno.ENOMEM else no_room(error))
        return ExitCode.USAGE
    except MemoryError:
        report_error(no_memory())
        return ExitCode.USAGE
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return ExitCode.INTERRUPTED
    return ExitCode.OK


def _end_in_order_on_signals() -> None:
    """Let SIGTERM do what Ctrl-C does: end every child, and say what is kept.

    Where the caller had Ctrl-C ignored, as `nohup` and shells in the background do, it stays so.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
