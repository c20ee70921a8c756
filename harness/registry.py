"""Find what is plugged in: pipelines, probes, gates and plots, ours and everybody's, by one door.

Every extension is one entry point in the group `harness.<kind>`. Only the parent process looks
here; a worker gets `module:attribute` strings, because importing importlib.metadata costs 2.5 MiB
of the heap that is to be measured.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from importlib.util import find_spec
from typing import Any

from msgspec import Struct

from harness.errors import ConfigError
from harness.nearest import nearest

KINDS = ("pipeline", "probe", "gate", "plot", "executor")
_PYTEST = "pytest11"


class Plugged(Struct, frozen=True, kw_only=True):
    """One thing that is plugged in; `problem` says why it cannot be used."""

    kind: str
    name: str
    target: str
    distribution: str
    version: str
    problem: str = ""


@cache
def _points(group: str) -> EntryPoints:
    """Return the entry points of a group; a look at every distribution is for once per process."""
    return entry_points(group=group)


class PluginsDocument(Struct, frozen=True, kw_only=True):
    """What `harness plugins --json` prints."""

    schema: int = 1
    plugins: list[Plugged]


def plugged() -> list[Plugged]:
    """Return everything that is plugged in, by kind and name, each imported once to try it."""
    return [
        _tried(kind, point) for kind in KINDS for point in sorted(_points(f"harness.{kind}"))
    ] + [
        _tried("pytest", point)
        for point in _points(_PYTEST)
        if point.module.startswith("harness.") and find_spec("pytest")
    ]


def _tried(kind: str, point: EntryPoint) -> Plugged:
    problem = ""
    try:
        if kind in KINDS:
            load(kind, point.name)
        else:
            point.load()
    except ConfigError as error:
        problem = error.message
    except Exception as error:  # noqa: BLE001  a module may raise whatever it likes
        problem = f"{type(error).__name__}: {error}"
    return Plugged(
        kind=kind,
        name=point.name,
        target=point.value,
        distribution=point.dist.name if point.dist else "",
        version=point.dist.version if point.dist else "",
        problem=problem,
    )


def names(kind: str) -> list[str]:
    """Return the registered names of one kind, sorted."""
    return sorted(_points(f"harness.{kind}").names)


def shipped(kind: str) -> dict[str, Any]:
    """Return by name the extensions of one kind that come with the harness itself."""
    points = _points(f"harness.{kind}")
    return {point.name: point.load() for point in points if point.module.startswith("harness.")}


def find(kind: str, name: str) -> EntryPoint:
    """Return the one entry point called `name`.

    Raises:
        ConfigError: No extension, or more than one, has that name.
    """
    found = {point.value: point for point in _points(f"harness.{kind}").select(name=name)}
    if len(found) > 1:
        raise ConfigError(
            f"{kind} {name!r} is registered twice: {', '.join(sorted(found))}",
            remedy="uninstall one of the two packages",
        )
    if not found:
        known = names(kind) or ["none; is the package installed?"]
        raise ConfigError(f"there is no {kind} called {name!r}", remedy=nearest(name, known))
    return next(iter(found.values()))


def load(kind: str, name: str) -> Any:
    """Import the extension called `name`.

    Raises:
        ConfigError: It is not registered, or what is registered is broken.
    """
    point = find(kind, name)
    named = f"{kind} {name!r} ({point.value})"
    try:
        found = point.load()
    except Exception as error:  # a module may raise whatever it likes
        raise ConfigError(
            f"{named} cannot be loaded: {type(error).__name__}: {error}",
            remedy="install its package again, or uninstall it",
        ) from error
    if not callable(found):
        raise ConfigError(
            f"{named} is of type {type(found).__name__}, which cannot be called",
            remedy="have its entry point name a class or a function",
        )
    if kind == "probe" and not isinstance(getattr(found, "metrics", None), tuple):
        raise ConfigError(
            f"{named} declares no metrics",
            remedy="its class needs a tuple `metrics` of harness.records.Metric",
        )
    return found
