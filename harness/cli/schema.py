"""`harness schema`: print the JSON Schema of a file that is stored or read."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from harness import schemas
from harness.cli.output import write_line
from harness.text import json_bytes


def schema(
    name: Annotated[
        str,
        typer.Argument(help="For example records.jsonl or suite.toml. Default: list all schemas."),
    ] = "",
) -> None:
    """Print one JSON Schema (draft 2020-12), made from the types that write the file.

    That of a .jsonl file is of each line, that of a .toml file of the data in it.
    """
    if name:
        found = json_bytes(schemas.schema_of(name))
        write_line(msgspec.json.format(found, indent=2))
        return
    width = max(map(len, schemas.names()))
    for each in schemas.names():
        typer.echo(f"{each:{width}}  {schemas.about(each)}")
