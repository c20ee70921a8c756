"""What a scope may say on the wire, beyond the names and types of its fields."""

from __future__ import annotations

from harness.model import LanguageSpecifics, LineRange, Scope, Symbol, package_scope

_CHILD_TYPES = frozenset(("struct", "function", "method", "local"))
_FIELD_TYPES = frozenset(("field", "static_field"))
_VARIABLE_TYPES = frozenset(("arg", "local"))
_EMPTY = LanguageSpecifics()


def check_package(scope: Scope) -> None:
    """Check a package's own fields: it has a name and specifics, and nothing else.

    Raises:
        ValueError: It says something else.
    """
    if scope.scope_type != "package":
        raise ValueError(f"scope {scope.name!r} is not a package")
    if scope != package_scope(scope.name, scope.language_specifics):
        raise ValueError(f"package {scope.name!r} has more than a name and specifics")
    _check_specifics(scope)


def check_child(scope: Scope) -> Scope:
    """Return a child of a package, checked with all that it encloses.

    Raises:
        ValueError: Something in it is not of the schema.
    """
    reached = [scope]
    for inner in reached:  # grows while it is walked
        if inner.scope_type not in _CHILD_TYPES:
            raise ValueError(f"scope {inner.name!r} in a package is a {inner.scope_type!r}")
        if inner.start_line < 0 or inner.end_line < 0:
            raise ValueError(f"scope {inner.name!r} has a negative line")
        _check_ranges(inner.name, inner.injectible_lines)
        _check_specifics(inner)
        for symbol in inner.symbols:
            _check_symbol(symbol)
        reached += inner.scopes
    return scope


def _check_symbol(symbol: Symbol) -> None:
    if symbol.symbol_type in _VARIABLE_TYPES:
        if not isinstance(symbol.line, int) or symbol.line < 0:
            raise ValueError(f"variable {symbol.name!r} has no line, or a negative one")
    elif symbol.symbol_type not in _FIELD_TYPES:
        raise ValueError(f"symbol {symbol.name!r} is a {symbol.symbol_type!r}")
    elif isinstance(symbol.line, int):
        raise ValueError(f"field {symbol.name!r} has a line")
    _check_specifics(symbol)


def _check_specifics(owner: Scope | Symbol) -> None:
    specifics = owner.language_specifics
    if specifics is None:
        return
    if specifics == _EMPTY:
        raise ValueError(f"the language specifics of {owner.name!r} are empty, not left out")
    _check_ranges(owner.name, specifics.available_line_ranges)


def _check_ranges(name: str, ranges: tuple[LineRange, ...]) -> None:
    for lines in ranges:
        if lines.start < 0 or lines.end < 0:
            raise ValueError(f"{name!r} has a negative line")
