"""Turn what pydantic found wrong with a file into one error a person can act on."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from harness.errors import ConfigError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


def config_error(file: Path, error: ValidationError, known: frozenset[str]) -> ConfigError:
    """Return one error that names every fault of `file`, each with its key.

    Args:
        file: What was read.
        error: What pydantic said about it.
        known: Every key the format has; the nearest one is offered for an unknown key.
    """
    faults = [_fault(detail, known) for detail in error.errors(include_url=False)]
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    return ConfigError(f"{file}: {count}: {'; '.join(faults)}")


def field_names(*models: type[BaseModel]) -> frozenset[str]:
    """Return the names of all fields of `models`."""
    return frozenset(name for model in models for name in model.model_fields)


def _fault(detail: ErrorDetails, known: frozenset[str]) -> str:
    key = _key(detail["loc"])
    if detail["type"] == "extra_forbidden":
        near = get_close_matches(str(detail["loc"][-1]), known, n=1)
        return f"{key}: unknown key" + (f"; did you mean {near[0]!r}?" if near else "")
    reason = detail["msg"].removeprefix("Value error, ")
    return f"{key}: {reason}" if key else reason


def _key(location: tuple[int | str, ...]) -> str:
    """Write a location the way TOML readers think of it: `binaries[3].sha256`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).lstrip(".")
