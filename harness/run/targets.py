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

STAGE = "other"

PICKLED = "pickle:"


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
    return cast("Callable[..., Any]", operator.attrgetter(attribute)(import_module(module)))
