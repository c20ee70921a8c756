"""The committed Go program, unpacked once."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.tests.symbols.go.demo import unpack


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack(tmp_path_factory.mktemp("go"))
