"""Two versions of some code side by side: a checkout and an environment each, gone afterwards.

Both lie at paths of equal length, for paths are on the heap. An environment sees what this one has
installed behind its own packages, so that every side is measured with the same instruments.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

import harness
from harness.errors import ConfigError, HarnessError
from harness.run.scratch import scratch_directory

UNCOMMITTED = "."
"""The revision that stands for the files as they are, changes and new files included."""

_REQUIREMENT = re.compile(r"[A-Za-z0-9][\w.-]*(\[[^\]]*\])?\s*([=<>!~]=|[<>@]).*")
_INSTALL_S, _GIT_S = 1800.0, 120.0
_BUILDABLE = ("pyproject.toml", "setup.py")
_INSTRUMENTS = ("memray", "msgspec", "pyelftools")
_SAID_LINES = 3


class Version(Struct, frozen=True, kw_only=True):
    """One side: its `name` as the user gave it, and where its code is.

    Attributes:
        name: A revision, `.` for the files as they are, or a requirement like `package==1.2`.
        commit: The commit, or the requirement.
        directory: The root of the checkout; None for a requirement.
        python: The interpreter of its environment; empty where nothing had to be installed.
    """

    name: str
    commit: str
    directory: Path | None
    python: str


@contextmanager
def checked_out(
    names: Sequence[str], install: str, say: Callable[[str], None]
) -> Iterator[list[Version]]:
    """Yield a version for each name, ready to be imported, and remove them all on leaving.

    Args:
        names: Revisions of the repository around the working directory, or requirements.
        install: The command that installs a checkout, run in it with its environment active; empty
            for `uv pip install .`, or `pip install .` where there is no uv.
        say: Told what takes long.

    Raises:
        ConfigError: A name is neither, or there is no repository.
        HarnessError: One cannot be installed.
    """
    with scratch_directory() as scratch:
        try:
            yield [
                _version(name, scratch / f"{number}", install, say)
                for number, name in enumerate(names)
            ]
        finally:
            for directory in scratch.glob("*/code"):
                with suppress(HarnessError):
                    _git("worktree", "remove", "--force", str(directory))


def in_checkout(version: Version, path: Path) -> Path:
    """Return where a file of the working directory's repository lies in a version.

    Raises:
        ConfigError: It lies outside the repository.
    """
    if version.directory is None:
        return path.absolute()
    top = Path(_git("rev-parse", "--show-toplevel"))
    try:
        return version.directory / path.absolute().relative_to(top)
    except ValueError:
        raise ConfigError(
            f"{path} is not in the repository {top}", remedy="name a file that has a history"
        ) from None


def _version(name: str, place: Path, install: str, say: Callable[[str], None]) -> Version:
    place.mkdir()
    if _REQUIREMENT.fullmatch(name):
        say(f"installing {name}")
        python = _environment(place / "env")
        _install(name, [*_installer(python), name], place, python)
        return Version(name=name, commit=name, directory=None, python=python)
    commit, directory = _commit_of(name), place / "code"
    say(f"checking out {name} ({commit[:12]})")
    _git("worktree", "add", "--quiet", "--detach", "--force", str(directory), commit)
    if name == UNCOMMITTED:
        _copy_new_files(directory)
    python = ""
    if install or any((directory / one).exists() for one in _BUILDABLE):
        say(f"installing {name}")
        python = _environment(place / "env", directory)
        command = ["bash", "-euo", "pipefail", "-c", install] if install else [
            *_installer(python), "."]  # fmt: skip
        _install(name, command, directory, python)
    return Version(name=name, commit=commit, directory=directory, python=python)


def _commit_of(name: str) -> str:
    """Return the commit of a revision; for the files as they are, one that has their changes."""
    if name == UNCOMMITTED:
        # Makes a commit of what is changed and touches nothing; prints nothing where nothing is.
        return _git("stash", "create") or _commit_of("HEAD")
    if name.startswith("-"):
        raise ConfigError(f"{name!r} is not a revision")
    return _git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")


def _copy_new_files(directory: Path) -> None:
    top = Path(_git("rev-parse", "--show-toplevel"))
    listed = _git("-C", str(top), "ls-files", "--others", "--exclude-standard", "-z")
    for name in filter(None, listed.split("\0")):
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(top / name, directory / name)


def _environment(place: Path, root: Path | None = None) -> str:
    """Make an environment that sees ours behind its own, and `root` last; return its Python.

    It sees our pip as well, which installs into the environment that it is run in.
    """
    has_installer = shutil.which("uv") or find_spec("pip")
    bare = ["--without-pip"] if has_installer else []
    subprocess.run(
        [sys.executable, "-m", "venv", *bare, place],
        check=True,
        timeout=_INSTALL_S,
        capture_output=True,
    )
    python = str(place / "bin" / "python")
    ours = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    behind = [str(Path(harness.__file__).parent.parent), *ours, *([str(root)] if root else [])]
    (library,) = place.glob("lib/python*/site-packages")
    (library / "behind.pth").write_text("\n".join(behind) + "\n")
    return python


def _installer(python: str) -> list[str]:
    uv = shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "--quiet", "--python", python]
    return [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


def _install(name: str, command: list[str], directory: Path, python: str) -> None:
    active = str(Path(python).parent)
    done = subprocess.run(
        command,
        cwd=directory,
        env={
            **os.environ,
            "PATH": f"{active}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "VIRTUAL_ENV": str(Path(active).parent),
        },
        capture_output=True,
        text=True,
        timeout=_INSTALL_S,
        check=False,
    )
    if done.returncode:
        told = (done.stderr.strip() or done.stdout.strip()).splitlines()[-_SAID_LINES:]
        raise HarnessError(
            f"{name} cannot be installed (exit code {done.returncode}): {' / '.join(told)}",
            remedy="say how with --install 'COMMAND'",
        )
    _refuse_other_instruments(name, python)


def _refuse_other_instruments(name: str, python: str) -> None:
    """Refuse an environment in which what measures is of another version than on this side."""
    asked = "import importlib.metadata as m, sys; print(*map(m.version, sys.argv[1:]))"
    found = subprocess.run(
        [python, "-c", asked, *_INSTRUMENTS], capture_output=True, text=True, check=False
    )
    for one, own in zip(_INSTRUMENTS, found.stdout.split(), strict=False):
        with suppress(PackageNotFoundError):
            if own != version(one):
                raise HarnessError(
                    f"{name} brings {one} {own}, and what measures here is {version(one)}",
                    remedy=f"install {one} {own} beside harness, or loosen what {name} asks for",
                )


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, timeout=_GIT_S, check=False
        )
    except FileNotFoundError:
        raise ConfigError("there is no git", remedy="install it, or name requirements") from None
    if done.returncode:
        told = done.stderr.strip().splitlines()
        what = told[-1] if told else f"git knows no {arguments[-1].removesuffix('^{commit}')!r}"
        raise ConfigError(what, remedy="name commits of the repository that you are in")
    return done.stdout.strip()
