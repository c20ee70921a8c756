"""Units: parse what people write, print what people read; stores keep exact bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from typing import Annotated, Any

from msgspec import structs

from harness.config import KIB, MOST_BYTES, Limits
from harness.errors import ConfigError
from harness.nearest import nearest

_SIZE = re.compile(r"[0-9._]+\s*[A-Za-z]*")
_IEC = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def parse_bytes(text: str) -> int:
    """Parse "2 MiB", "10 MB" or "4096" into bytes.

    Raises:
        ConfigError: The text is not a size.
    """
    # pydantic reads the beginning, and would take "10 MB/s" for a size.
    whole = text.strip() if _SIZE.fullmatch(text.strip()) else ""
    size = int(_parsed("size", whole, text, 'write it like "2 MiB", "10 MB" or "4096"'))
    if size > MOST_BYTES:
        raise ConfigError(f"{text!r} is more than any machine has", remedy="give at most 4 EiB")
    return size


def _parsed(kind: str, text: str, given: str, remedy: str) -> Any:
    try:
        return _parsers()[kind](text)
    except ValueError:  # pydantic's ValidationError is one
        noun = "duration" if kind == "seconds" else kind
        raise ConfigError(f"{given!r} is not a {noun}", remedy=remedy) from None


@cache
def _parsers() -> dict[str, Any]:
    """Return what parses each kind of text; pydantic is loaded when the first text is parsed."""
    from pydantic import ByteSize, Field, NonNegativeInt, TypeAdapter  # noqa: PLC0415

    types: dict[str, Any] = {
        "size": ByteSize,
        "count": NonNegativeInt,
        "seconds": Annotated[float, Field(ge=0, allow_inf_nan=False)],
        "duration": Annotated[timedelta, Field(ge=timedelta())],
    }
    return {kind: TypeAdapter(one).validate_python for kind, one in types.items()}


def parse_limits(given: Iterable[str]) -> Limits:
    """Return the limits that were given, and the defaults of the others.

    Raises:
        ConfigError: A limit is not known, or its value is not one.
    """
    found: dict[str, float] = {}
    for text in given:
        name, _, value = text.partition("=")
        if name not in Limits.__struct_fields__:
            known = Limits.__struct_fields__
            raise ConfigError(f"no limit is called {name!r}", remedy=nearest(name, known))
        try:
            found[name] = _parse_limit(name, value)
        except ConfigError as error:
            raise ConfigError(f"limit {name}: {error.message}", remedy=error.remedy) from None
    return structs.replace(Limits(), **found)


def _parse_limit(name: str, text: str) -> float:
    """Parse a size, a count, or seconds: "90", "1.5 s" or, as ISO 8601 has it, "PT15M"."""
    plain = text.strip()
    if name.endswith("_bytes"):
        return parse_bytes(text)
    if not name.endswith("_s"):
        return int(_parsed("count", plain, text, 'write it like "4096"'))
    remedy = 'write it like "90", "1.5 s" or "PT15M"'
    if not plain.startswith("P"):
        return float(_parsed("seconds", plain.removesuffix("s").rstrip(), text, remedy))
    duration: timedelta = _parsed("duration", plain, text, remedy)
    return duration.total_seconds()


def format_bytes(size: float, *, signed: bool = False) -> str:
    """Return `size` in IEC units: `512 B`, `52.0 MiB`."""
    sign = "-" if size < 0 else "+" if signed else ""
    rest, power = float(int(abs(size))), 0
    while rest >= KIB and power < len(_IEC) - 1:
        rest, power = rest / KIB, power + 1
    return f"{sign}{rest:.{1 if power else 0}f} {_IEC[power]}"


def format_exactly(size: int) -> str:
    """Return `size` in the largest unit in which it is whole: `64.0 MiB`, `13,288 KiB`."""
    power = 0
    while size and size % KIB == 0 and power < len(_IEC) - 1:
        size, power = size // KIB, power + 1
    return f"{size:,}{'.0' if power > 1 else ''} {_IEC[power]}"


def format_seconds(seconds: float) -> str:
    """Return a duration the way people say it: `0.4 s`, `3 min 20 s`, `2 h 05 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def format_value(value: float, unit: str) -> str:
    """Return a measured value the way its unit is read best: `5.4 MiB`, `0.123 s`, `1,234`."""
    if unit == "byte":
        return format_bytes(value)
    if unit == "second":
        return f"{value:.3f} s" if abs(value) >= 0.01 else f"{1000 * value:.3f} ms"
    if unit == "count":
        return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"
    return f"{value:.4g} {unit}".rstrip()
