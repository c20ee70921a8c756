"""Units: parse what people write, print what people read; stores keep exact bytes."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import ByteSize, Field, NonNegativeInt, TypeAdapter, ValidationError

from harness.errors import ConfigError

_BYTE_SIZE = TypeAdapter(ByteSize)
_COUNT = TypeAdapter(NonNegativeInt)
_SECONDS: TypeAdapter[float] = TypeAdapter(Annotated[float, Field(ge=0, allow_inf_nan=False)])
_DURATION = TypeAdapter(Annotated[timedelta, Field(ge=timedelta())])


def parse_bytes(text: str) -> int:
    """Parse "2 MiB", "10 MB" or "4096" into bytes.

    Raises:
        ConfigError: The text is not a size.
    """
    try:
        return int(_BYTE_SIZE.validate_python(text.strip()))
    except ValidationError:
        raise ConfigError(
            f"{text!r} is not a size", remedy='write it like "2 MiB", "10 MB" or "4096"'
        ) from None


def parse_count(text: str) -> int:
    """Parse "4096" or "4_096".

    Raises:
        ConfigError: The text is not a whole number, or negative.
    """
    try:
        return _COUNT.validate_python(text.strip())
    except ValidationError:
        raise ConfigError(f"{text!r} is not a count", remedy='write it like "4096"') from None


def parse_seconds(text: str) -> float:
    """Parse "90", "1.5 s" or, as ISO 8601 has it, "PT15M".

    Raises:
        ConfigError: The text is not a duration, or negative.
    """
    try:
        if text.strip().startswith("P"):
            return _DURATION.validate_python(text.strip()).total_seconds()
        return _SECONDS.validate_python(text.strip().removesuffix("s").rstrip())
    except ValidationError:
        raise ConfigError(
            f"{text!r} is not a duration", remedy='write it like "90", "1.5 s" or "PT15M"'
        ) from None


def format_bytes(size: float, *, signed: bool = False) -> str:
    """Return `size` in IEC units with three significant digits or so: `52.0 MiB`."""
    sign = "-" if size < 0 else "+" if signed else ""
    return sign + ByteSize(abs(size)).human_readable(separator=" ")


def format_seconds(seconds: float) -> str:
    """Return a duration the way people say it: `0.4 s`, `12 s`, `3 min 20 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
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
