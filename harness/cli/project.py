"""What a project sets for itself: `[tool.harness]` of its pyproject.toml, beneath the options."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import ConfigError
from harness.nearest import nearest

_FILE = "pyproject.toml"


class Settable(NamedTuple):
    """An option that a project may set: its parameter, and whether it takes several values."""

    name: str
    several: bool
    is_path: bool


def defaults_of(settable: dict[str, Settable], known: list[str]) -> dict[str, Any]:
    """Return by parameter what the project that one is in sets of these options.

    Args:
        settable: What the command takes, by key.
        known: Every key that any command takes.

    Raises:
        ConfigError: The file cannot be read, has a key that none takes, or no value for it.
    """
    directory = next((one for one in (Path.cwd(), *Path.cwd().parents)
                      if (one / _FILE).is_file()), None)  # fmt: skip
    table = _table(directory / _FILE) if directory else {}
    where = f"{directory}/{_FILE}: [tool.harness]"
    for key in table:
        if key not in known:
            raise ConfigError(f"{where} has no key {key!r}", remedy=nearest(key, known))
    return {
        one.name: _value(f"{where} {key}", table[key], one, directory)
        for key, one in settable.items()
        if key in table
    }


def _table(path: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("harness", {})
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: tool.harness is no table", remedy="write [tool.harness]")
    return found


def _value(where: str, given: Any, one: Settable, directory: Path | None) -> Any:
    """Return a value as the command line would have it."""
    values = given if isinstance(given, list) else [given]
    if not all(isinstance(value, str | int | float) for value in values):
        raise ConfigError(f"{where} is {given!r}", remedy="give it text, a number or a truth value")
    if one.several:
        return [str(value) for value in values]
    if isinstance(given, list):
        raise ConfigError(f"{where} takes one value, not {given!r}")
    if one.is_path and directory is not None and directory != Path.cwd():
        return directory / str(given)
    return given if isinstance(given, bool) else str(given)
