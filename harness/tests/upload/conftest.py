from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.intake.server import IntakeServer, serve


@pytest.fixture
def intake() -> Iterator[IntakeServer]:
    with serve() as server:
        yield server
