"""Where the scripts are that CI runs: in the checkout, which a wheel does not carry."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import harness

CHECKOUT = Path(os.environ.get("HARNESS_CHECKOUT") or Path(harness.__file__).parent.parent)
SCRIPTS = CHECKOUT / ".github" / "scripts"

needs_checkout = pytest.mark.skipif(
    not SCRIPTS.is_dir(), reason="HARNESS_CHECKOUT does not name a checkout; tox sets it"
)
