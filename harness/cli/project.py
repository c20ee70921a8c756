"""What a project sets for itself: `[tool.harness]` of its pyproject.toml, beneath the options."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import ConfigError, HarnessError
from harness.nearest import nearest

_FILE = "pyproject.toml"


class Settable(NamedTuple):
    """An option that a project may set.

    Attributes:
        name: Its parameter.
        several: Whether it takes several values.
        is_path: Whether it is a path, relative to the project.
        takes: What TOML has to give, and what to call it.
        check: Raises what is wrong with a value, or with all of them.
    """

    name: str
    several: bool
    is_path: bool
    takes: tuple[tuple[type, ...], str]
    check: Callable[[Any], object]


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
    if directory is None:
        return {}
    table = _table(directory / _FILE)
    where = f"{directory / _FILE}: [tool.harness]"
    for key in table:
        if key not in known:
            raise ConfigError(f"{where} has no key {key!r}", remedy=nearest(key, known))
    found: dict[str, Any] = {}
    for key, one in settable.items():
        if key in table:
            shown = f"{where} {key} = {table[key]!r}"
            found[one.name] = value = _value(shown, table[key], one, directory)
            _try(shown, value, one)
    return found


def _table(path: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("harness", {})
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: tool.harness is no table", remedy="write [tool.harness]")
    return found


def _value(shown: str, given: Any, one: Settable, directory: Path) -> Any:
    """Return a value as the command line would have it."""
    kinds, called = one.takes
    values = given if one.several and isinstance(given, list) else [given]
    # What is true is no number here, although Python says so.
    if not all(isinstance(value, kinds) and (kinds == (bool,) or (value is not True and
               value is not False)) for value in values):  # fmt: skip
        many = f" or a list of {called}s" if one.several else ""
        raise ConfigError(shown, remedy=f"give it a {called}{many}")
    if one.several:
        return [str(value) for value in values]
    if one.is_path and directory != Path.cwd():
        return directory / str(given)
    return given if isinstance(given, bool) else str(given)


def _try(shown: str, value: Any, one: Settable) -> None:
    try:
        one.check(tuple(value) if one.several else value)
    except HarnessError as error:
        raise ConfigError(f"{shown}: {error.message}", remedy=error.remedy) from None
