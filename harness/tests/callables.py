"""What tests of callables measure: light, for every worker imports it."""

from __future__ import annotations

import json
from collections.abc import Iterator


def listed(count: int) -> str:
    rows = [{"id": number} for number in range(count)]
    return json.dumps(rows)


def streamed(count: int) -> str:
    return "[" + ", ".join(json.dumps({"id": number}) for number in range(count)) + "]"


def chunks(count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield bytes(100_000)
