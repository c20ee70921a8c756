"""Values that must never be seen: not in logs, tracebacks, results or command lines."""

from __future__ import annotations

import os

from harness.errors import ConfigError


class Secret(str):
    """A string that shows itself to nobody who only looks."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret('***')"


def read_secret(variable: str) -> Secret:
    """Return the value of an environment variable.

    Raises:
        ConfigError: The variable is unset, empty, or no header can carry its value.
    """
    value = Secret(os.environ.get(variable, ""))
    if not value:
        raise ConfigError(f"the environment variable {variable} is not set")
    if not (value.isascii() and value.isprintable()):
        raise ConfigError(f"the value of {variable} cannot be sent in a header")
    return value
