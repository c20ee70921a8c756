"""Import what a job names: `module:attribute`, or a pickle that holds it."""

from __future__ import annotations

import operator
import pickle
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
    module, _, attribute = target.partition(":")
    if target.startswith(PICKLED):
        with Path(attribute).open("rb") as file:
            return cast("Callable[..., Any]", pickle.load(file))  # noqa: S301  we wrote it
    return cast("Callable[..., Any]", operator.attrgetter(attribute)(import_module(module)))
