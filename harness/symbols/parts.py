"""Packages in parts: a package of many children is delivered so that a batch can end inside it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from harness.model import LanguageSpecifics, Package, Scope, count_functions, package_scope

STAGE = "extraction"

MOST_FUNCTIONS = 4096
"""How many functions a part may hold; a type without any counts as one."""


def iter_parts(
    name: str, language: str, children: Iterator[Scope], agent_version: str
) -> Iterator[Package]:
    """Yield a package as one part or several; as none if there is no child.

    All parts but the first are marked as continuation.
    """
    continuation = False
    while (first := next(children, None)) is not None:
        part = _iter_part(chain((first,), children))
        del first
        specifics = LanguageSpecifics(agent_version=agent_version, continuation=continuation)
        empty = specifics == LanguageSpecifics()
        yield Package(package_scope(name, None if empty else specifics), language, part)
        for _ in part:
            pass  # a consumer may leave a part early; the next one begins where this one ends
        continuation = True


def _iter_part(children: Iterator[Scope]) -> Iterator[Scope]:
    """Yield children until they hold as many functions as one part may have."""
    functions = 0
    for child in children:
        functions += max(count_functions(child), 1)
        yield child
        del child
        if functions >= MOST_FUNCTIONS:
            return
