"""Read a TOML file into models; what is wrong with it is one error a person can act on."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field, ValidationError

from harness.errors import ConfigError
from harness.nearest import nearest
from harness.text import counted

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


# It becomes a file name, part of a row's key, a word in a report and the name of a test case.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$", max_length=64)]


@contextmanager
def reading(file: Path, *models: type[BaseModel]) -> Iterator[None]:
    """Read `file` as TOML inside of this, and make `models` of it.

    Raises:
        ConfigError: The file cannot be read, or says something that cannot be; every fault is
            named, with the file and the key. For an unknown key the nearest field of `models` is
            offered.
    """
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not TOML: {error}") from error
    except ValidationError as error:
        known = list(dict.fromkeys(name for model in models for name in model.model_fields))
        faults = [_fault(detail, known) for detail in error.errors(include_url=False)]
        count = counted(len(faults), "fault")
        raise ConfigError(f"{file}: {count}: {'; '.join(faults)}") from error


def _fault(detail: ErrorDetails, known: list[str]) -> str:
    key = _key(detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"{key}: unknown key; {nearest(str(detail['loc'][-1]), known)}"
    reason = detail["msg"].removeprefix("Value error, ")
    return f"{key}: {reason}" if key else reason


def _key(location: tuple[int | str, ...]) -> str:
    """Write a location the way TOML readers think of it: `binaries[3].sha256`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).lstrip(".")
