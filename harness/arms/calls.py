"""From callables and input files to what a run measures."""

from __future__ import annotations

import hashlib
import operator
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
from msgspec import Struct, structs

from harness.arms.checkouts import Version, in_checkout
from harness.errors import ConfigError, failing_as
from harness.records import Arm, Binary, Call
from harness.run.extensions import arms_by_name
from harness.run.targets import PICKLED
from harness.store.seal import describe

_NO_INPUT = "call"


class Target(Struct, frozen=True, kw_only=True):
    """A callable as a worker finds it.

    Attributes:
        name: Its attribute, for people.
        pipeline: `module:attribute`, or a pickle that holds it.
        path: Where its module is imported from; empty where it is installed.
    """

    name: str
    pipeline: str
    path: str


def target_of(given: str | Callable[..., Any], scratch: Path | None = None) -> Target:
    """Return how a worker finds a callable.

    Args:
        given: `package.module:function`, imported from the working directory;
            `path/file.py:function`; or the callable itself.
        scratch: Where a callable is pickled that no other process can import.

    Raises:
        ConfigError: It names none, there is no such file, or it can be neither imported nor
            pickled.
    """
    if not isinstance(given, str):
        return _described(given, scratch)
    place, colon, attribute = given.rpartition(":")
    if not (colon and place and attribute) or (":" in place and not place.endswith(".py")):
        raise ConfigError(f"{given!r} does not name a callable", remedy=_spelling(given))
    if not place.endswith(".py"):
        return Target(name=attribute, pipeline=given, path=str(Path.cwd()))
    path = Path(place).absolute()
    if not path.is_file():
        raise ConfigError(f"{place} does not exist", remedy="write path/file.py:function")
    root, names = path.parent, [] if path.stem == "__init__" else [path.stem]
    while (root / "__init__.py").is_file():  # what it imports of its package is found by its name
        root, names = root.parent, [root.name, *names]
    return Target(name=attribute, pipeline=f"{'.'.join(names)}:{attribute}", path=str(root))


def _spelling(given: str) -> str:
    """Return how the callable is written that may have been meant."""
    module, dot, attribute = given.rpartition(".")
    if given.endswith(".py"):
        return f"write {given}:function"
    if Path(given).is_file():
        return f"write --input {given} if that is what to call it with"
    if dot and f"{module}.{attribute}".replace(".", "").isidentifier():
        return f"write {module}:{attribute}, if {module} is the module"
    return "write package.module:function, or path/file.py:function; arguments go behind --"


def _described(given: Callable[..., Any], scratch: Path | None) -> Target:
    if not callable(given):
        raise ConfigError(f"{given!r} cannot be called", remedy="give a function, or its name")
    name = getattr(given, "__qualname__", type(given).__name__)
    module = sys.modules.get(getattr(given, "__module__", None) or "")
    file = getattr(module, "__file__", None)
    if module is None or file is None or not _is_found(module, name, given):
        return _pickled(given, name, scratch)
    path = Path(file)
    package = module.__name__.split(".")
    if module.__name__ == "__main__":
        spec = module.__spec__  # that of python -m package.module; a script has none
        package = spec.name.split(".") if spec else [path.stem]
    root = path.parents[len(package) - (path.name != "__init__.py")]
    installed = root.name in {"site-packages", "dist-packages"}
    return Target(
        name=name, pipeline=f"{'.'.join(package)}:{name}", path="" if installed else str(root)
    )


def _is_found(module: ModuleType, name: str, given: object) -> bool:
    try:
        return operator.attrgetter(name)(module) is given
    except AttributeError:
        return False


def _pickled(given: object, name: str, scratch: Path | None) -> Target:
    """Pickle what is defined where no other process can import it: in a notebook, in a function."""
    remedy = "put it into a module (in a notebook: %%writefile export.py), or install cloudpickle"
    try:
        import cloudpickle  # noqa: PLC0415 - an extra, and only for this

        data = cloudpickle.dumps(given)
    except ImportError:
        raise ConfigError(f"no other process can import {name}", remedy=remedy) from None
    except Exception as error:  # whatever it refers to may refuse
        raise ConfigError(f"{name} can be neither imported nor pickled: {error}", remedy="put it "
                          "into a module, and what it refers to as well") from error  # fmt: skip
    assert scratch is not None
    path = scratch / f"{hashlib.sha256(data).hexdigest()[:16]}.pickle"
    path.write_bytes(data)
    return Target(name=name, pipeline=f"{PICKLED}{path}", path=str(Path.cwd()))


def with_callables(
    call: Call, others: Mapping[str, str | Callable[..., Any]], scratch: Path | None = None
) -> Call:
    """Return a call with what is called besides, by its field: `setup`, `teardown`, `digest`.

    Raises:
        ConfigError: One names no callable.
    """
    for name, given in others.items():
        target = target_of(given, scratch)
        paths = (*call.paths, target.path) if target.path else call.paths
        call = structs.replace(call, paths=paths, **{name: target.pipeline})
    return call


def arms_of(
    targets: Sequence[str | Callable[..., Any]], call: Call, scratch: Path | None = None
) -> list[Arm]:
    """Return one arm for each callable, called by what tells it from the others.

    Raises:
        ConfigError: One names no callable.
    """
    found = [target_of(one, scratch) for one in targets]
    names = [one.name for one in found]
    if len(set(names)) < len(names) and not any(one.pipeline.startswith(PICKLED) for one in found):
        names = [one.pipeline for one in found]
    if len(set(names)) < len(names):
        texts = [one for one in targets if isinstance(one, str)]
        names = texts if len(set(texts)) == len(names) else _numbered(names)
    return [
        Arm(
            name=name,
            pipeline=target.pipeline,
            call=structs.replace(
                call,
                paths=tuple(
                    dict.fromkeys(filter(None, (target.path, *call.paths, *_import_path())))
                ),
                roots=tuple(filter(None, (target.path, _package(target.pipeline)))),
            ),
        )
        for name, target in zip(names, found, strict=True)
    ]


def _import_path() -> list[str]:
    """Return where the user's shell has Python look too; measured processes inherit no variable."""
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return [str(Path(path).absolute()) for path in given if path]


def pipelines_of(texts: Iterable[str]) -> list[Arm]:
    """Return one arm for each pipeline: one that is registered, or `NAME=module:attribute`.

    Raises:
        ConfigError: There is no such pipeline.
    """
    return [
        arm
        for text in texts
        for arm in ([_pipeline_of(text)] if "=" in text else arms_by_name([text]))
    ]


def _pipeline_of(text: str) -> Arm:
    name, _, given = text.partition("=")
    if not name:
        raise ConfigError(f"{text!r} has no name", remedy="write NAME=module:attribute")
    target = target_of(given)
    package = _package(target.pipeline)
    if PathFinder.find_spec(package, [target.path]):
        return Arm(name=name, pipeline=f"{target.path}:{target.pipeline}")
    if not find_spec(package):
        raise ConfigError(
            f"there is no module {package}, neither in {target.path} nor installed",
            remedy="go to the directory that it lies in, or write path/file.py:function",
        )
    return Arm(name=name, pipeline=target.pipeline)


def arms_of_versions(versions: Sequence[Version], text: str, call: Call) -> list[Arm]:
    """Return one arm for each version of the callable that `text` names.

    Raises:
        ConfigError: It names none, or a file outside the repository.
    """
    arms = [_arm_in(version, text, call) for version in versions]
    names = [arm.name for arm in arms]
    if len(set(names)) == len(names):
        return arms
    return [structs.replace(arm, name=name)
            for arm, name in zip(arms, _numbered(names), strict=True)]  # fmt: skip


def _numbered(names: list[str]) -> list[str]:
    return [f"{number} {name}" for number, name in enumerate(names, 1)]


def _arm_in(version: Version, text: str, call: Call) -> Arm:
    target = target_of(text)
    path = target.path
    code = str(version.directory) if version.directory else path
    place = text.rpartition(":")[0]
    if place.endswith(".py"):
        path = str(in_checkout(version, Path(path)))
    elif version.directory:
        path = code
    # What is installed comes before its checkout, where extension modules have not been built.
    paths = (path,) if place.endswith(".py") or not version.python else ()
    own = structs.replace(
        call,
        paths=paths,
        roots=(path, code, _package(target.pipeline)),
        python=version.python,
        commit=version.commit,
    )
    return Arm(name=version.name, pipeline=target.pipeline, call=own)


def _package(target: str) -> str:
    return target.partition(":")[0].partition(".")[0]


def inputs_of(given: Iterable[Path], call: Call) -> list[Binary]:
    """Return one input for each file that is given or lies in a directory that is, at any depth.

    Without any, there is one input that has no file: the arguments alone.

    Raises:
        ConfigError: A path is not there, or a directory has no file.
    """
    inputs = list({one.path: one for path in given for one in _iter_inputs(path)}.values())
    if len({one.name for one in inputs}) < len(inputs):
        return [structs.replace(one, name=os.path.relpath(one.path)) for one in inputs]
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
    with failing_as(ConfigError, str(path), "see that --input names it"):
        found = describe(path)
    return Binary(
        name=name, path=str(path.absolute()), sha256=found.sha256, size_bytes=found.size_bytes
    )
