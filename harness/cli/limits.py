"""`--limit NAME=VALUE`: how far extraction follows its input."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated, TypeAlias

import typer
from msgspec import structs

from harness.config import Limits
from harness.errors import ConfigError
from harness.units import parse_bytes, parse_count, parse_seconds

LimitOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--limit",
        metavar="NAME=VALUE",
        help="How far extraction follows its input, for instance wall_s=60 or inflated_bytes=1GiB; "
        f"repeat it. Known: {', '.join(Limits.__struct_fields__)}.",
    ),
]


def parse_limits(given: Iterable[str]) -> Limits:
    """Return the limits that were given, and the defaults of the others.

    Raises:
        ConfigError: A limit is not known, or its value is not one.
    """
    found: dict[str, float] = {}
    for text in given:
        name, _, value = text.partition("=")
        if name not in Limits.__struct_fields__:
            raise _unknown(name)
        try:
            found[name] = _parse(name, value)
        except ConfigError as error:
            raise ConfigError(f"limit {name}: {error.message}", remedy=error.remedy) from None
    return structs.replace(Limits(), **found)


def _parse(name: str, value: str) -> float:
    if name.endswith("_bytes"):
        return parse_bytes(value)
    return parse_seconds(value) if name.endswith("_s") else parse_count(value)


def _unknown(name: str) -> ConfigError:
    known = Limits.__struct_fields__
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    return ConfigError(f"no limit is called {name!r}", remedy=hint)
