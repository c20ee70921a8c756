"""What a test asks of its peak heap: the arguments of `peak_heap`, read and checked."""

from __future__ import annotations

import re
from typing import Any
from unittest import TestCase

import pytest
from msgspec import Struct

from harness.config import TOLERANCE_PCT
from harness.errors import ConfigError
from harness.nearest import nearest
from harness.units import parse_bytes

MARK = "peak_heap"

_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*%")
_PER_UNIT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*B?|(.*)")
_ARGUMENTS = ("limit", "of", "grows_less_than", "tolerance")


class Asked(Struct, frozen=True, kw_only=True):
    """What one test asks.

    Attributes:
        limit_bytes: The peak may be as high as this; None where it may be anything.
        of: The parameter by which the peak grows; empty where nothing is asked of growth.
        size: The value of that parameter in this test.
        family: What the tests have in common that differ in that parameter alone.
        growth_bytes: The peak grows by less than this for each unit of the parameter.
        tolerance_pct: By so much the peak may exceed the stored one; None where it is not compared.
    """

    limit_bytes: int | None = None
    of: str = ""
    size: float = 0.0
    family: str = ""
    growth_bytes: float = 0.0
    tolerance_pct: float | None = None


def asked_of(item: pytest.Item) -> Asked | None:
    """Return what a test asks; None where it has no mark.

    Raises:
        UsageError: The mark cannot be read, or stands where it means nothing.
    """
    mark = item.get_closest_marker(MARK)
    if mark is None:
        return None
    try:
        return _asked(item, mark)
    except ConfigError as error:
        raise pytest.UsageError(f"{item.nodeid}: {MARK}: {error}") from None


def _asked(item: pytest.Item, mark: pytest.Mark) -> Asked:
    given: dict[str, Any] = {**dict(zip(_ARGUMENTS[:1], mark.args, strict=False)), **mark.kwargs}
    for name in given:
        if name not in _ARGUMENTS:
            raise ConfigError(f"it has no argument {name!r}", remedy=nearest(name, _ARGUMENTS))
    if len(mark.args) > 1:
        raise ConfigError("it takes one limit", remedy='write peak_heap("10 MiB")')
    if not isinstance(item, pytest.Function) or (item.cls and issubclass(item.cls, TestCase)):
        raise ConfigError(
            "what is measured is the body of a test function",
            remedy="mark a function, or a method of a class that is no unittest.TestCase",
        )
    if ("of" in given) != ("grows_less_than" in given):
        raise ConfigError(
            "growth is asked for by two arguments",
            remedy='write peak_heap(of="size", grows_less_than="2 B")',
        )
    growth = _growth(item, given["of"], given["grows_less_than"]) if "of" in given else {}
    limit = given.get("limit")
    compared = "tolerance" in given or not (growth or limit is not None)
    return Asked(
        limit_bytes=limit if isinstance(limit, int | None) else parse_bytes(str(limit)),
        tolerance_pct=_percent(given.get("tolerance", TOLERANCE_PCT)) if compared else None,
        **growth,
    )


def _growth(item: pytest.Function, of: str, least: Any) -> dict[str, Any]:
    spec: Any = getattr(item, "callspec", None)
    values: dict[str, object] = spec.params if spec else {}
    if of not in values:
        raise ConfigError(
            f"the test has no parameter {of!r}",
            remedy=f'give it one: @pytest.mark.parametrize("{of}", [1_000, 2_000, 4_000])',
        )
    size = values[of]
    if not isinstance(size, int | float):
        raise ConfigError(f"{of} is {size!r}", remedy="let it be a number")
    others = {name: index for name, index in sorted(spec.indices.items()) if name != of}
    family = f"{item.nodeid.partition('[')[0]} {others or ''}".rstrip()
    return {"of": of, "size": size, "family": family, "growth_bytes": _per_unit(least)}


def _per_unit(given: Any) -> float:
    """Return bytes for a unit, which may be less than one."""
    if isinstance(given, int | float):
        return float(given)
    plain, size = _PER_UNIT.fullmatch(str(given).strip()).groups()  # type: ignore[union-attr]
    return float(plain) if plain else float(parse_bytes(size))


def _percent(given: Any) -> float:
    if isinstance(given, int | float):
        return float(given)
    found = _PERCENT.fullmatch(str(given).strip())
    if not found:
        raise ConfigError(f"tolerance {given!r} is no percentage", remedy='write it like "5 %"')
    return float(found[1])
