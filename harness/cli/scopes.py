"""`harness scopes`: look at what extraction finds in a binary, without any pipeline."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from harness.cli.options import Fields, with_options
from harness.cli.output import (
    STANDARD_OUTPUT,
    error_console,
    output_console,
    whole_file,
    write_json,
)
from harness.config import SymbolOptions
from harness.errors import ConfigError
from harness.printing import print_tables
from harness.symbols import Census, census_of, open_packages
from harness.tables import Column

_COUNTS: list[Column[tuple[str, int]]] = [
    Column("what", lambda row: row[0]),
    Column("count", lambda row: f"{row[1]:,}", kind="number"),
]


@with_options
def scopes(
    binary: Annotated[Path, typer.Argument(help="An ELF file with DWARF.", show_default=False)],
    *,
    options: Annotated[
        SymbolOptions, Fields("scope", "locations", "debug_dirs", "limits", "single_pass")
    ],
    jsonl: Annotated[
        str,
        typer.Option(
            metavar="FILE", help="Write package scopes as JSON Lines; - is standard output."
        ),
    ] = "",
    stats: Annotated[
        bool, typer.Option("--stats", help="Print counts as JSON on standard output.")
    ] = False,
) -> None:
    """Extract the scopes of BINARY, one package at a time.

    With neither --jsonl nor --stats, prints the counts as a table.
    """
    if jsonl == STANDARD_OUTPUT and stats:
        raise ConfigError(
            "--jsonl - and --stats both write to standard output", remedy="give --jsonl a file"
        )
    with (
        open_packages(str(binary), options) as source,
        whole_file(jsonl, binary) if jsonl else nullcontext() as sink,
    ):
        census = census_of(source, sink)
    if stats:
        write_json(census)
    else:
        _print_table(
            census, binary.name, error_console() if jsonl == STANDARD_OUTPUT else output_console()
        )


def _print_table(census: Census, name: str, console: Console) -> None:
    title = f"Scopes of {name} ({census.language or 'no known language'})"
    skipped = ((f"skipped: {reason}", count) for reason, count in sorted(census.skipped.items()))
    print_tables(_COUNTS, {title: [*census.found().items(), *skipped]}, console)
