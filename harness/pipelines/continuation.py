"""A package that travels in parts: how every part after the first says so."""

from __future__ import annotations

from msgspec import structs

from harness.model import LanguageSpecifics, Scope

STAGE = "scope tree"


def continue_package(scope: Scope) -> Scope:
    """Return the package scope for a part that follows an earlier one.

    It repeats the package's own fields, so that the part is valid by itself, and is marked as a
    continuation. A receiver joins it, in order of batch number and position, to the package
    delivered just before it.
    """
    specifics = scope.language_specifics or LanguageSpecifics()
    return structs.replace(
        scope, language_specifics=structs.replace(specifics, continuation=True), scopes=[]
    )
