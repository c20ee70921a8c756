"""The documents, which are in a checkout and in no wheel."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.tests.ci.scripts import CHECKOUT


def checkout() -> Path:
    """Return the root of the checkout; without one, documents cannot be tested."""
    if not (CHECKOUT / "README.md").is_file():
        pytest.skip("HARNESS_CHECKOUT does not name a checkout; tox sets it")
    return CHECKOUT


def document(name: str) -> str:
    """Return the text of a document."""
    return (checkout() / name).read_text(encoding="utf-8")
