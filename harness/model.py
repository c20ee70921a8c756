"""The wire schema: packages of scopes and symbols, as they flow from a binary to a batch.

Key order, and which keys are left out when empty, follow the SymDB wire schema: fields without a
default are always written, fields with one are written only when they differ from it. msgspec
encodes straight from these structs; `to_builtins` gives the equal dictionary tree to encoders that
know only built-in types.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from msgspec import UNSET, Struct, UnsetType, structs

STAGE = "scope tree"

FUNCTION_TYPES = ("function", "method")


# `gc=False` takes a struct out of the collector's sight, and saves 16 bytes in each. It is safe
# where no reference can lead back: a range holds numbers, specifics are frozen and hold strings and
# ranges, a symbol holds strings, a number and specifics. Tuples and not lists, because an absent
# list is a new object of 56 bytes in each struct, and because what cannot change can be shared.


class LineRange(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Source lines from `start` to `end`, both inclusive."""

    start: int
    end: int


class LanguageSpecifics(
    Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False, forbid_unknown_fields=True
):
    """What only some languages, or only some scopes, have to say.

    One that says nothing is never made: the schema leaves it out, and it would be written as `{}`.
    Nobody looks for it on the way, which would cost every scope; the intake refuses it.

    `continuation` marks a package scope that extends the package scope delivered before it in the
    same upload: large packages travel in parts, and a receiver joins a part to its predecessor in
    upload order (batch number, then position).
    """

    available_line_ranges: tuple[LineRange, ...] = ()
    go_qualified_name: str = ""
    agent_version: str = ""
    qualified_name: str = ""
    linkage_name: str = ""
    super_classes: tuple[str, ...] = ()
    continuation: bool = False


class Symbol(Struct, omit_defaults=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """A field, argument or local variable. A field has no line; the others always have one."""

    name: str
    type: str
    symbol_type: str
    line: int | UnsetType = UNSET
    language_specifics: LanguageSpecifics | None = None


class Scope(Struct, omit_defaults=True, kw_only=True, forbid_unknown_fields=True):
    """A package, type, function, method or lexical block, with what it encloses."""

    scope_type: str
    name: str
    source_file: str = ""
    start_line: int
    end_line: int
    has_injectible_lines: bool
    injectible_lines: tuple[LineRange, ...] = ()
    language_specifics: LanguageSpecifics | None = None
    symbols: list[Symbol] = []
    scopes: list[Scope] = []


@dataclass(slots=True)
class Package:
    """One package on its way through a pipeline: its own scope, and its children one at a time.

    `scope` never holds the children. `children` can be walked once, and only until the next
    package is asked for; a consumer that keeps no child keeps memory flat.
    """

    scope: Scope
    language: str
    children: Iterator[Scope]


def package_scope(name: str, specifics: LanguageSpecifics | None = None) -> Scope:
    """Return a package scope without children; packages have no file and no lines."""
    return Scope(
        scope_type="package",
        name=name,
        start_line=0,
        end_line=0,
        has_injectible_lines=False,
        language_specifics=specifics,
    )


def count_functions(scope: Scope) -> int:
    """Return the number of functions and methods in `scope`, itself included."""
    own = 1 if scope.scope_type in FUNCTION_TYPES else 0
    return own + sum(map(count_functions, scope.scopes))


def is_continuation(scope: Scope) -> bool:
    """Tell whether a package scope extends the one before it, and so is no package of its own."""
    return scope.language_specifics is not None and scope.language_specifics.continuation


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


_WHOLE_UNITS = ("unit", "skeleton unit", "partial", "archive member")


def left_out_units(skipped: Mapping[str, int]) -> dict[str, int]:
    """Return why whole units were left out, and how many: what is delivered is not all there is."""
    return {reason: count for reason, count in skipped.items() if reason.startswith(_WHOLE_UNITS)}
