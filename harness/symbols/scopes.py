"""The scopes and symbols that both worlds, Go and native, build in the same way."""

from __future__ import annotations

from operator import attrgetter

from harness.model import LanguageSpecifics, Scope, Symbol
from harness.symbols.dwarf import constants as dw
from harness.symbols.lines import Range, to_line_ranges

STAGE = "scope tree"

VARIABLE_TAGS = frozenset((dw.TAG_FORMAL_PARAMETER, dw.TAG_VARIABLE))
BLOCK_TAGS = frozenset((dw.TAG_LEXICAL_BLOCK,))
BODY_TAGS = VARIABLE_TAGS | BLOCK_TAGS | {dw.TAG_SUBPROGRAM, dw.TAG_INLINED_SUBROUTINE}

by_name_and_line = attrgetter("name", "line")


def function_scope(name: str, file: str, specifics: LanguageSpecifics, *, is_method: bool) -> Scope:
    """Return a function or method without lines, variables or blocks."""
    return Scope(
        scope_type="method" if is_method else "function",
        name=name,
        source_file=file,
        start_line=0,
        end_line=0,
        has_injectible_lines=True,
        language_specifics=specifics,
    )


def set_lines(scope: Scope, lines: list[Range]) -> None:
    """Let a function have these injectible lines, and begin and end with them."""
    scope.injectible_lines = to_line_ranges(lines)
    if lines:
        scope.start_line, scope.end_line = lines[0][0], lines[-1][1]


def block_scope(file: str, span: Range | None) -> Scope:
    """Return a lexical block without variables, from the first to the last line of a span."""
    start, end = span or (0, 0)
    return Scope(
        scope_type="local",
        name="",
        source_file=file,
        start_line=start,
        end_line=end,
        has_injectible_lines=False,
    )


def type_scope(
    name: str, fields: list[Symbol], specifics: LanguageSpecifics | None = None
) -> Scope:
    """Return the scope of a type. Types have no file and no lines."""
    return Scope(
        scope_type="struct",
        name=name,
        start_line=0,
        end_line=0,
        has_injectible_lines=False,
        language_specifics=specifics,
        symbols=fields,
    )


def available_on(lines: list[Range]) -> LanguageSpecifics | None:
    """Return what says that a variable can be read on these lines; None if it never can."""
    return LanguageSpecifics(available_line_ranges=to_line_ranges(lines)) if lines else None
