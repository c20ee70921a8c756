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
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from msgspec import Struct

import harness
from harness.errors import ConfigError, HarnessError
from harness.run.scratch import scratch_directory
from harness.text import last_line

UNCOMMITTED = "."
"""The revision that stands for the files as they are, changes and new files included."""

_REQUIREMENT = re.compile(r"[A-Za-z0-9][\w.-]*(\[[^\]]*\])?\s*([=<>!~]=|[<>]|@(?!\{)).*")
_INSTALL_S, _GIT_S = 1800.0, 120.0
_BUILDABLE = ("pyproject.toml", "setup.py")
_INSTRUMENTS = ("memray", "msgspec", "pyelftools")
_ASK = "import importlib.metadata as m, sys; print(*map(m.version, sys.argv[1:]))"
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
    names: Sequence[str], install: str, results: Path, say: Callable[[str], None]
) -> Iterator[list[Version]]:
    """Yield a version for each name, ready to be imported, and remove them all on leaving.

    Args:
        names: Revisions of the repository around the working directory, or requirements.
        install: The command that installs a checkout, run in it with its environment active; empty
            for `uv pip install .`, or `pip install .` where there is no uv.
        results: Runs, which are no part of the files as they are.
        say: Told what takes long.

    Raises:
        ConfigError: A name is neither, or there is no repository.
        HarnessError: One cannot be installed.
    """
    with scratch_directory() as scratch:
        try:
            yield [
                _version(name, scratch / f"{number}", install, results, say)
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
    try:
        return version.directory / path.resolve().relative_to(_top())
    except ValueError:
        raise ConfigError(
            f"{path} is not in the repository {_top()}", remedy="name a file that has a history"
        ) from None


def _top() -> Path:
    return Path(_git("rev-parse", "--show-toplevel"))


def _version(
    name: str, place: Path, install: str, results: Path, say: Callable[[str], None]
) -> Version:
    place.mkdir()
    if _REQUIREMENT.fullmatch(name):
        say(f"installing {name}")
        python = _environment(place / "env")
        _install(name, [*_installer(python), name], place, python, "name one that is there")
        return Version(name=name, commit=name, directory=None, python=python)
    commit, directory = _commit_of(name), place / "code"
    say(f"checking out {name} ({commit[:12]})")
    _git("worktree", "add", "--quiet", "--detach", "--force", str(directory), commit)
    _add_submodules(name, directory, say)
    if name == UNCOMMITTED:
        _copy_new_files(directory, results.resolve())
    python = ""
    if install or any((directory / one).exists() for one in _BUILDABLE):
        say(f"installing {name}")
        python = _environment(place / "env", directory)
        command = ["bash", "-euo", "pipefail", "-c", install] if install else [
            *_installer(python), "."]  # fmt: skip
        remedy = "see that --install works there" if install else "say how with --install 'COMMAND'"
        _install(name, command, directory, python, remedy)
    return Version(name=name, commit=commit, directory=directory, python=python)


def _commit_of(name: str) -> str:
    """Return the commit of a revision; for the files as they are, one that has their changes."""
    if name == UNCOMMITTED:
        # Makes a commit of what is changed and touches nothing; prints nothing where nothing is.
        return _git("stash", "create") or _commit_of("HEAD")
    if name.startswith("-"):
        raise ConfigError(f"{name!r} is not a revision")
    return _git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")


def _add_submodules(name: str, directory: Path, say: Callable[[str], None]) -> None:
    """Check out what a checkout has in repositories of their own; what measures may not need it."""
    if (directory / ".gitmodules").is_file():
        try:
            _git("-C", str(directory), "submodule", "--quiet", "update", "--init", "--recursive")
        except HarnessError as error:
            say(f"{name} has no submodules: {error.message}")


def _copy_new_files(directory: Path, results: Path) -> None:
    """Copy what git neither tracks nor ignores; of another repository in it, the files alone."""
    top = _top()
    listed = _git("-C", str(top), "ls-files", "--others", "--exclude-standard", "-z")
    for name in filter(None, listed.split("\0")):
        source, target = top / name, directory / name
        if source.is_relative_to(results):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        else:
            shutil.copy2(source, target, follow_symlinks=False)


def _environment(place: Path, root: Path | None = None) -> str:
    """Make an environment that sees ours behind its own, and `root` last; return its Python.

    It sees our pip as well, which installs into the environment that it is run in.
    """
    has_installer = shutil.which("uv") or find_spec("pip")
    bare = ["--without-pip"] if has_installer else []
    made = _run([sys.executable, "-m", "venv", *bare, str(place)], _INSTALL_S)
    if made.returncode:
        raise HarnessError(f"no environment can be made: {_told(made)}", remedy="install venv")
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


def _install(name: str, command: list[str], directory: Path, python: str, remedy: str) -> None:
    active = str(Path(python).parent)
    done = _run(
        command,
        _INSTALL_S,
        cwd=directory,
        env={
            **os.environ,
            "PATH": f"{active}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "VIRTUAL_ENV": str(Path(active).parent),
        },
    )
    if done.returncode:
        raise HarnessError(
            f"{name} cannot be installed (exit code {done.returncode}): {_told(done)}",
            remedy=remedy,
        )
    _refuse_other_instruments(name, python)


def _refuse_other_instruments(name: str, python: str) -> None:
    """Refuse an environment in which what measures is of another version than on this side.

    Raises:
        HarnessError: It is, or nobody can tell.
    """
    asked = _run([python, "-c", _ASK, *_INSTRUMENTS], _GIT_S)
    if asked.returncode:
        raise HarnessError(
            f"it cannot be told which {', '.join(_INSTRUMENTS)} {name} brings: {_told(asked)}",
            remedy="see that its environment has a Python that starts (--install 'COMMAND')",
        )
    for one, theirs in zip(_INSTRUMENTS, asked.stdout.split(), strict=True):
        if theirs != version(one):
            raise HarnessError(
                f"{name} brings {one} {theirs}, and what measures here is {version(one)}",
                remedy=f"install {one} {theirs} beside harness, or loosen what {name} asks for",
            )


def _run(command: Sequence[str], limit_s: float, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run a command to its end.

    Raises:
        HarnessError: It takes too long.
    """
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=limit_s, check=False, **more
        )
    except subprocess.TimeoutExpired:
        raise HarnessError(
            f"{' '.join(command)} has not ended after {limit_s:g} s", remedy="try it by itself"
        ) from None


def _told(done: subprocess.CompletedProcess[str]) -> str:
    """Return the last that a command said."""
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()[-_SAID_LINES:]
    return " / ".join(lines) or "it said nothing"


def _git(*arguments: str) -> str:
    try:
        done = _run(["git", *arguments], _GIT_S)
    except FileNotFoundError:
        raise ConfigError("there is no git", remedy="install it, or name requirements") from None
    if done.returncode:
        unknown = f"git knows no {arguments[-1].removesuffix('^{commit}')!r}"
        remedy = "name commits of the repository that you are in"
        raise ConfigError(last_line(done.stderr, unknown), remedy=remedy)
    return done.stdout.strip()
