"""The table of limits in the documentation is the one that the code has."""

from __future__ import annotations

import re

from msgspec import to_builtins

from harness.config import Limits
from harness.tests.docs.checkout import document
from harness.units import parse_limits

ROW = re.compile(r"^\| `(\w+)` \| ([^|]+) \|", re.MULTILINE)


def test_every_limit_is_documented_with_its_default() -> None:
    rows = dict(ROW.findall(document("docs/limits.md")))
    assert [*rows] == [*to_builtins(Limits())]
    told = (f"{name}={default.replace(',', '')}" for name, default in rows.items())
    assert parse_limits(told) == Limits()
