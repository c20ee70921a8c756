"""The committed binaries that tests read: every fixture that has debugging information."""

from __future__ import annotations

from harness.corpus import fixtures_directory

FIXTURES = fixtures_directory() / "binaries"
# Neither has a .debug_info; that the reader says so is tested where it opens files.
_LEFT_OUT = {"stripped.so", "split.dwo"}

BINARIES = sorted(
    path
    for path in FIXTURES.rglob("*")
    if path.is_file() and path.name not in _LEFT_OUT and path.read_bytes()[:4] == b"\x7fELF"
)
