"""The verbs as one lazy group: a verb's module is imported when it is called."""

from __future__ import annotations

import inspect
import resource
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from harness.cli.options import HELP, settable_keys
from harness.cli.overview import VERBS, overview
from harness.cli.project import defaults_of
from harness.config import MIB
from harness.errors import HarnessError
from harness.units import format_bytes

# numpy and scipy need address space to be loaded; where they may have less, they fail in many ways,
# and OpenBLAS asks for it again and again without an end.
_LEAST_ADDRESS_SPACE_BYTES = 512 * MIB
_WITHOUT_SCIPY = {"corpus", "intake", "schema", "scopes", "status", "upload"}

# What measures takes its defaults from the project; what uploads or reads is told all it does.
_SET_BY_PROJECTS = {"run", "ab", "limit", "scaling", "sweep"}


class _LazyGroup(TyperGroup):
    """Imports the module of the verb that is called, and of no other."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the verb that is called, with its module imported."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, load_verb(name) if name else command, rest

    def format_help(self, *_: Any) -> None:
        """Print what `harness --help` prints."""
        typer.echo(overview())


app = typer.Typer(
    name="harness",
    cls=_LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=HELP,
)
for _verb in VERBS:
    app.command(_verb)(lambda: None)


def load_verb(name: str) -> Any:
    """Import a verb or a group of them; the paragraphs of its help fill the terminal.

    Raises:
        HarnessError: The process may have too little address space for it.
    """
    allowed, _ = resource.getrlimit(resource.RLIMIT_AS)
    if name not in _WITHOUT_SCIPY and 0 <= allowed < _LEAST_ADDRESS_SPACE_BYTES:
        raise HarnessError(
            f"this process is limited to {format_bytes(allowed)}, and {name} needs "
            f"{format_bytes(_LEAST_ADDRESS_SPACE_BYTES)} of address space",
            remedy="raise the limit (ulimit -v)",
        )
    module = import_module(f"harness.cli.{name}")
    group: typer.Typer | None = getattr(module, "app", None)
    one = group or typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    if group is None:
        one.command(name, context_settings=HELP)(getattr(module, name))
    for verb in one.registered_commands:
        about = (inspect.getdoc(verb.callback) or "").split("\n\n")
        verb.help = "\n\n".join(" ".join(part.split()) for part in about)
    command = typer.main.get_command(one)
    if name in _SET_BY_PROJECTS:
        settable = getattr(module, name).settable
        command.context_settings["default_map"] = defaults_of(settable, settable_keys())
    return command
