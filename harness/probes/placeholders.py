"""Import a tool without what it would import only for things that no measured process does.

memray imports rich to show progress, which takes as long as the rest of memray. msgspec imports
typing_extensions for what Python has by itself. Whoever imports such a package afterwards, a plugin
for instance, gets it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType

STAGE = "other"


@contextmanager
def without(package: str) -> Iterator[None]:
    """Import within as if `package` were empty: every name in it is a class that does nothing.

    A package that is loaded already stays as it is.
    """
    finder = _Finder(package)
    if package in sys.modules:
        yield
        return
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in filter(finder.finds, list(sys.modules)):
            del sys.modules[name]


@contextmanager
def missing(package: str) -> Iterator[None]:
    """Import within as if `package` were not installed, unless it is loaded already."""
    modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]
    known = modules.setdefault(package, None)  # Python's own way to say that there is none
    try:
        yield
    finally:
        if known is None:
            del modules[package]


class _Finder:
    """Finds an empty module for every name in a package."""

    def __init__(self, package: str) -> None:
        self._package = package

    def finds(self, name: str) -> bool:
        return name.partition(".")[0] == self._package

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        loader: object = self
        return ModuleSpec(name, loader, is_package=True) if self.finds(name) else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Empty(spec.name)

    def exec_module(self, _: ModuleType) -> None:
        return


class _Empty(ModuleType):
    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})
