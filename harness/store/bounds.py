"""Bounds that were ratcheted: proposed from measurements, kept beside the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from harness.errors import StoreError

BOUNDS = "bounds.json"


class Bound(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An upper bound for one check of one experiment of a suite, and where it comes from.

    `observed` is the largest value that `run` measured in that many `replicates`, and the bound
    is `margin_pct` above it. `surroundings` is what else the values depend on, such as the version
    of Python and, for times, the machine: elsewhere the bound says nothing.
    """

    experiment: str
    check: str
    suite: str = ""
    series: str
    upper_bound: float
    observed: float
    margin_pct: float
    replicates: int
    run: str
    surroundings: dict[str, str] = {}


def read_bounds(directory: Path) -> tuple[Bound, ...]:
    """Return the ratcheted bounds of a baseline; none when nothing was ratcheted.

    Raises:
        StoreError: They cannot be read, or one check has two.
    """
    path = directory / BOUNDS
    try:
        bounds = msgspec.json.decode(path.read_bytes(), type=tuple[Bound, ...])
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} is damaged: {error}") from error
    checks = [(bound.experiment, bound.check) for bound in bounds]
    twice = next((check for check in checks if checks.count(check) > 1), None)
    if twice:
        raise StoreError(f"{path}: check {twice[1]!r} of {twice[0]!r} has two bounds")
    return bounds


def write_bounds(directory: Path, bounds: Sequence[Bound]) -> None:
    """Write the bounds, sorted, so that a change of one is a change of its lines."""
    ordered = sorted(bounds, key=lambda bound: (bound.experiment, bound.check))
    text = msgspec.json.format(msgspec.json.encode(ordered), indent=1)
    (directory / BOUNDS).write_bytes(text + b"\n")
