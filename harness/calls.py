"""From callables and input files to what a run measures."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
from msgspec import structs

from harness.checkouts import Version, in_checkout
from harness.errors import ConfigError
from harness.records import Arm, Binary, Call

AB = "ab"
"""The kind of a run that measured callables."""

_NO_INPUT = "call"


def target_of(text: str) -> tuple[str, str]:
    """Return `module:attribute` and the directory that the module is imported from.

    Args:
        text: `package.module:function`, imported from the working directory, or
            `path/file.py:function`.

    Raises:
        ConfigError: It is neither, or there is no such file.
    """
    place, colon, attribute = text.rpartition(":")
    if not (colon and place and attribute):
        raise ConfigError(
            f"{text!r} does not name a callable",
            remedy="write package.module:function, or path/file.py:function",
        )
    if not place.endswith(".py"):
        return text, str(Path.cwd())
    path = Path(place).absolute()
    if not path.is_file():
        raise ConfigError(f"{place} does not exist")
    return f"{path.stem}:{attribute}", str(path.parent)


def arms_of(targets: Sequence[str], call: Call) -> list[Arm]:
    """Return one arm for each callable, called by what tells it from the others.

    Raises:
        ConfigError: One names no callable.
    """
    found = [target_of(text) for text in targets]
    short = [target.rpartition(":")[2] for target, _ in found]
    names = short if len(set(short)) == len(short) else [target for target, _ in found]
    if len(set(names)) < len(names):
        names = list(targets)
    return [
        Arm(
            name=name,
            pipeline=target,
            call=structs.replace(call, paths=(path,), roots=(path, _package(target))),
        )
        for name, (target, path) in zip(names, found, strict=True)
    ]


def arms_of_versions(versions: Sequence[Version], text: str, call: Call) -> list[Arm]:
    """Return one arm for each version of the callable that `text` names.

    Raises:
        ConfigError: It names none, or a file outside the repository.
    """
    return [
        Arm(name=version.name, pipeline=target, call=call_of)
        for version in versions
        for target, call_of in [_call_in(version, text, call)]
    ]


def _call_in(version: Version, text: str, call: Call) -> tuple[str, Call]:
    target, path = target_of(text)
    code = str(version.directory) if version.directory else path
    place = text.rpartition(":")[0]
    if place.endswith(".py"):
        path = str(in_checkout(version, Path(place)).parent)
    elif version.directory:
        path = code
    # What is installed comes before its checkout, where extension modules have not been built.
    paths = (path,) if place.endswith(".py") or not version.python else ()
    return target, structs.replace(
        call,
        paths=paths,
        roots=(path, code, _package(target)),
        python=version.python,
        commit=version.commit,
    )


def _package(target: str) -> str:
    return target.partition(":")[0].partition(".")[0]


def inputs_of(given: Iterable[Path], call: Call) -> list[Binary]:
    """Return one input for each file that is given or lies in a directory that is, at any depth.

    Without any, there is one input that has no file: the arguments alone.

    Raises:
        ConfigError: A path is not there, or a directory has no file.
    """
    inputs = [one for path in given for one in _iter_inputs(path)]
    if inputs:
        return inputs
    digest = hashlib.sha256(msgspec.json.encode((call.args, call.pickled))).hexdigest()
    return [Binary(name=_NO_INPUT, path="", sha256=digest, size_bytes=0)]


def _iter_inputs(path: Path) -> list[Binary]:
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    if not files:
        raise ConfigError(f"{path} contains no file", remedy="name a file, or another directory")
    root = path if path.is_dir() else path.parent
    return [_input(one, str(one.relative_to(root))) for one in files]


def _input(path: Path, name: str) -> Binary:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size_bytes = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise ConfigError(
            f"{path}: {error.strerror}", remedy="see that --input names it"
        ) from error
    return Binary(name=name, path=str(path.absolute()), sha256=digest, size_bytes=size_bytes)
