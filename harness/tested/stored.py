"""Stored peaks: one file beside the tests, with a table for each kind of Python and machine."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

import pytest

from harness.errors import StoreError, failing_as

_FILE = "peak_heap.json"


def place_of(item: pytest.Item) -> tuple[Path, str]:
    """Return the file in which a test's peak is stored, and what it is called there."""
    return item.path.with_name(_FILE), f"{item.path.name}::{item.nodeid.partition('::')[2]}"


def environment() -> str:
    """Return what peaks have to have in common to be compared."""
    major, minor, _ = platform.python_version_tuple()
    return f"{platform.python_implementation()} {major}.{minor} {platform.machine()}"


def stored_peak(path: Path, name: str) -> int | None:
    """Return the stored peak of a test in this environment, None where there is none.

    Raises:
        StoreError: The file cannot be read.
    """
    found = _read(path).get(environment(), {}).get(name)
    if found is not None and not isinstance(found, int):
        raise _damaged(path, f"{name} is {found!r}")
    return found


def store_peaks(path: Path, peaks: dict[str, int]) -> None:
    """Store peaks of this environment beside those that are stored already.

    Raises:
        StoreError: What is stored cannot be read, or nothing can be written.
    """
    tables = _read(path)
    tables[environment()] = {**tables.get(environment(), {}), **peaks}
    with failing_as(StoreError, f"cannot write {path}"):
        path.write_text(json.dumps(tables, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        with failing_as(StoreError, f"cannot read {path}"):
            found = json.loads(path.read_bytes()) if path.exists() else {}
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    if not (isinstance(found, dict) and all(isinstance(one, dict) for one in found.values())):
        raise _damaged(path, "it is no table of tables")
    return found


def _damaged(path: Path, why: str) -> StoreError:
    return StoreError(
        f"{path} holds no stored peaks: {why}",
        remedy="restore it, or remove it and run pytest --peak-heap-update",
    )
