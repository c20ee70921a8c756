"""Compare a text with a committed one; `HARNESS_UPDATE_GOLDEN=1` writes it instead."""

from __future__ import annotations

import os
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"
RUN = GOLDEN / "run"


def check(name: str, got: str) -> None:
    """Fail unless the golden file `name` holds exactly `got`."""
    path = GOLDEN / name
    if os.environ.get("HARNESS_UPDATE_GOLDEN"):
        path.write_text(got, encoding="utf-8")
    assert got == path.read_text(encoding="utf-8"), (
        f"{path.name} differs; look at it, then HARNESS_UPDATE_GOLDEN=1 pytest {__package__}"
    )
