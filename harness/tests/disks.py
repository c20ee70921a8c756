"""Real file systems that fill up."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


def mounted(disk: Path, size: str) -> Iterator[Path]:
    """Yield a directory that holds `size`, as `mount` spells it."""
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a tmpfs needs more rights than this user has")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)
