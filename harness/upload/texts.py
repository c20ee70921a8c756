"""Texts that can be sent, and those that must never be seen: in logs, tracebacks or results."""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from harness.errors import ConfigError


def check_text(name: str, text: str) -> None:
    """Raise ConfigError if JSON cannot carry a text, as when an argument was not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigError(
            f"{name}: {text!a} is not valid text", remedy="pass it encoded as UTF-8"
        ) from None


class Secret:
    """A text that shows itself to nobody who only looks: `str`, `repr` and `format` hide it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "Secret('***')"

    def reveal(self) -> str:
        """Return the text, for whoever sends it; keep it in no variable that outlives that."""
        return self._value


def read_secret(variable: str) -> Secret:
    """Return the value of an environment variable.

    The name is not repeated in errors: who mistakes the option gives the key itself.

    Raises:
        ConfigError: The variable is unset, empty, or no header can carry its value.
    """
    value = os.environ.get(variable, "")
    if not value:
        raise ConfigError(
            "the environment variable that was named for the key is not set",
            remedy="export the key and give the variable's name, not the key itself",
        )
    secret = Secret(value)
    check_secret(secret, "in the environment variable that was named for it")
    return secret


def check_secret(secret: Secret, where: str) -> None:
    """Raise ConfigError if no header can carry a secret; `where` says which one it is."""
    value = secret.reveal()
    if not (value and value.isascii() and value.isprintable()):
        raise ConfigError(
            f"the key {where} cannot be sent in a header",
            remedy="it has to be printable ASCII, without a newline at its end",
        )


def redact(text: str, secrets: Iterable[Secret]) -> str:
    """Take out of what others say what they may have heard from us, in any usual spelling."""
    for secret in secrets:
        value = secret.reveal()
        escaped = json.dumps(value)[1:-1]
        forms = {value, repr(value)[1:-1], escaped, escaped.replace("/", "\\/"), html.escape(value)}
        forms |= {quote(value), quote(value, safe=""), quote_plus(value)}
        for form in sorted(forms, key=len, reverse=True):
            text = re.sub(re.escape(form), "***", text, flags=re.IGNORECASE)
    return text


def can_be_host(name: str) -> bool:
    """Tell whether a resolver can be asked for `name`: no empty or endless labels."""
    try:
        name.strip("[]").encode("idna")
    except UnicodeError:
        return False
    return True
