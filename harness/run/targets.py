"""Import what a job names: `module:attribute`, or a pickle that holds it.

A module that is not installed has the directory that it lies in before it: `/path:module:name`.
"""

from __future__ import annotations

import operator
import pickle
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from harness.errors import InputRejected

STAGE = "other"

PICKLED = "<pickle>:"  # no name of a module


def load(target: str) -> Callable[..., Any]:
    """Return what `target` names; an attribute may have dots in it.

    Raises:
        ImportError: There is no such module.
        AttributeError: It has no such attribute.
    """
    place, _, attribute = target.rpartition(":")
    if target.startswith(PICKLED):
        with Path(attribute).open("rb") as file:
            return cast("Callable[..., Any]", pickle.load(file))  # noqa: S301  we wrote it
    directory, _, module = place.rpartition(":")
    if directory:
        sys.path.insert(0, directory)
        refuse_homonym(directory, module)
    return cast("Callable[..., Any]", operator.attrgetter(attribute)(import_module(module)))


def refuse_homonym(directory: str, module: str) -> None:
    """Refuse a module of this directory in whose place Python would give another, loaded before.

    Raises:
        InputRejected: There is one of that name.
    """
    package = module.partition(".")[0]
    loaded = getattr(sys.modules.get(package), "__file__", None) or "a module of Python itself"
    own = next(Path(directory).glob(f"{package}.py"), None)
    if own and package in sys.modules and not Path(loaded).is_relative_to(directory):
        raise InputRejected(
            f"{own} cannot be imported: {loaded} has the same name", remedy="rename it"
        )
