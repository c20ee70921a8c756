"""Commands in processes: one, or several that would each load the same again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

HARNESS = (sys.executable, "-m", "harness")

SAY = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from glob import glob
from harness.cli import main
said = []
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["harness", *(found for one in arguments for found in glob(one) or [one])]
    streams = [io.TextIOWrapper(io.BytesIO(), write_through=True) for _ in "12"]
    with redirect_stdout(streams[0]), redirect_stderr(streams[1]):
        try:
            main()
        except SystemExit as ended:
            said.append([ended.code or 0, *(one.buffer.getvalue().decode() for one in streams)])
print(json.dumps(said))
"""


def ran(*command: str | Path, check: bool = False, **how: Any) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, and return its exit code, output and errors."""
    words = [*map(str, command)]
    return subprocess.run(words, capture_output=True, text=True, check=check, **how)


def said_by(
    call: Callable[..., subprocess.CompletedProcess[str]], *commands: Sequence[str | Path]
) -> list[tuple[int, str, str]]:
    """Return exit code, output and errors of each command; a pattern stands for what it finds.

    `call` runs Python with the arguments that it is given.
    """
    done = call("-c", SAY, json.dumps([[*map(str, one)] for one in commands]))
    assert done.returncode == 0, done.stderr
    return [(code, out, error) for code, out, error in json.loads(done.stdout)]
