"""Commands in processes: one, or several that would each load the same again."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import venv
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


def git(directory: Path, *arguments: str) -> str:
    """Run git in a directory, as nobody in particular; return what it printed."""
    who = ("user.name=t", "user.email=t@example.org")
    settings = (*who, "commit.gpgsign=false", "protocol.file.allow=always")
    words = [word for one in settings for word in ("-c", one)]
    return ran("git", *words, *arguments, cwd=directory, check=True).stdout.strip()


def distribution(site: Path, name: str, points: str = "", version: str = "1") -> None:
    """Have a distribution without files in a directory that Python looks into."""
    about = site / f"{name}-{version}.dist-info"
    about.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (about / "METADATA").write_text(metadata)
    (about / "entry_points.txt").write_text(points)


def environment(place: Path) -> tuple[Path, Path]:
    """Return the Python and the library of an environment that also sees what this one does."""
    venv.create(place, symlinks=True)
    (site,) = place.glob("lib/python*/site-packages")
    ours = sysconfig.get_path("purelib")
    (site / "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    return place / "bin" / "python", site


def said_by(
    call: Callable[..., subprocess.CompletedProcess[str]], *commands: Sequence[str | Path]
) -> list[tuple[int, str, str]]:
    """Return exit code, output and errors of each command; a pattern stands for what it finds.

    `call` runs Python with the arguments that it is given.
    """
    done = call("-c", SAY, json.dumps([[*map(str, one)] for one in commands]))
    assert done.returncode == 0, done.stderr
    return [(code, out, error) for code, out, error in json.loads(done.stdout)]
