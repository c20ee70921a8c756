"""Closures of C++: types without a name of their own, told by their call operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.dies import Die, iter_children

if TYPE_CHECKING:
    from harness.symbols.dwarf.units import Unit
    from harness.symbols.native.typenames import TypeNames

STAGE = "extraction"

_FUNCTIONS = frozenset((dw.TAG_SUBPROGRAM,))


def is_call(unit: Unit, die: Die) -> bool:
    """Tell whether a member function is a call operator, an instance of a generic one included."""
    return unit.text(die.attributes.get(dw.AT_NAME)).startswith("operator()")


def has_call(unit: Unit, die: Die) -> bool:
    """Tell whether a type without a name is a closure."""
    if dw.AT_NAME in die.attributes or not die.has_children:
        return False
    return any(is_call(unit, member) for member in iter_children(unit, die.offset, _FUNCTIONS))


def closure_name(unit: Unit, names: TypeNames, die: Die) -> str:
    """Return what a closure is called, which DWARF does not say: `<lambda(int)>`.

    That of a generic one has the parameters of its first instance.
    """
    for member in iter_children(unit, die.offset, _FUNCTIONS):
        if is_call(unit, member):
            return f"<lambda({names.parameters(member)})>"
    return "<lambda>"
