"""The committed binaries that tests read: every fixture that has debugging information."""

from __future__ import annotations

from pathlib import Path

FIXTURES = Path(__file__).parents[3] / "fixtures" / "binaries"
_LEFT_OUT = {"stripped"}

BINARIES = sorted(
    path
    for folder in FIXTURES.iterdir()
    if folder.is_dir() and folder.name not in _LEFT_OUT
    for path in folder.iterdir()
    if path.read_bytes()[:4] == b"\x7fELF"
)
