"""What a tool is imported without, it never asks for; a plugin that does gets the real one."""

from __future__ import annotations

import sys

import pytest

from harness.tests.commands import ran

EMPTY = """
import sys
import harness.probes.tracking
assert not [name for name in sys.modules if name.partition(".")[0] == "rich"]
from rich.progress import Progress
assert Progress.get_default_columns()
"""
MISSING = """
import io, sys
from harness.run import start
sys.stdin = io.StringIO("not a job")
try:
    start.main()
except OSError:
    pass  # there is no pipe to write a result to
assert "msgspec" in sys.modules
assert "typing_extensions" not in sys.modules
import typing_extensions
assert typing_extensions.get_type_hints
"""
LOADED = """
import rich.progress
from harness.probes.placeholders import missing, without
with without("rich"), missing("rich"):
    from rich.progress import Progress
assert Progress is rich.progress.Progress
"""


@pytest.mark.parametrize("code", [EMPTY, MISSING, LOADED], ids=["empty", "missing", "loaded"])
def test_a_package_is_left_out_only_while_a_tool_is_imported(code: str) -> None:
    done = ran(sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr
