"""Put the verbs together, and turn every failure into one line and an exit code."""

from __future__ import annotations

import ast
import errno
import inspect
import signal
import sys
from importlib import import_module
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from harness.cli.console import report_error
from harness.cli.streams import guarded_output, no_memory, no_room, quiet_errors
from harness.errors import NO_ROOM, ExitCode, HarnessError

_HELP = {"help_option_names": ["-h", "--help"]}
# Each is a function of that name in a module of that name, or a module with a group of verbs.
VERBS = ("run", "report", "compare", "gate", "history", "pool", "export", "schema", "scopes",
         "sweep", "scaling", "doctor", "upload", "intake", "baseline", "corpus")  # fmt: skip


class _LazyGroup(TyperGroup):
    """Imports a verb's module when the verb is called: help needs neither pandas nor pydantic."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the verb that is called, with its module imported."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, load_verb(name) if name else command, rest


app = typer.Typer(
    name="harness",
    cls=_LazyGroup,
    help="Measure how much memory an upload pipeline holds at its peak, where it holds it, "
    "and whether a change made it worse.",
    epilog="Exit codes: 0 all good, 2 usage or unreadable input, 3 a gate failed, "
    "4 invalid or inconclusive measurement or incomplete upload, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings=_HELP,
)


def load_verb(name: str) -> Any:
    """Import a verb or a group of them; the paragraphs of its help fill the terminal."""
    module = import_module(f"harness.cli.{name}")
    group: typer.Typer | None = getattr(module, "app", None)
    one = group or typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    if group is None:
        one.command(name, context_settings=_HELP)(getattr(module, name))
    for verb in one.registered_commands:
        verb.help = _flowing(inspect.getdoc(verb.callback) or "")
    return typer.main.get_command(one)


def _summary(name: str) -> str:
    """Return the first sentence of a verb's documentation, without importing its module."""
    module = ast.parse(Path(__file__).with_name(f"{name}.py").read_bytes())
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef)]
    verb = next((one for one in functions if one.name == name), module)
    return _flowing(ast.get_docstring(verb) or "").partition("\n")[0]


def _flowing(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _register(name: str) -> None:
    app.command(name, help=_summary(name))(lambda: None)


for _verb in VERBS:
    _register(_verb)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(installed_version("harness"))
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
