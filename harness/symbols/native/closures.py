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


def closure_name(unit: Unit, names: TypeNames, die: Die, unfinished: set[int]) -> str:
    """Return what a closure is called, which DWARF does not say: `<lambda(int)>`.

    That of a generic one has the parameters of its first instance. One that takes itself, and so is
    among the `unfinished` ones, is a mere `<lambda>` there. Empty for other types.
    """
    if die.offset in unfinished:
        return "<lambda>"
    members = iter_children(unit, die.offset, _FUNCTIONS)
    call = next((member for member in members if is_call(unit, member)), None)
    if call is None:
        return ""
    unfinished.add(die.offset)
    name = f"<lambda({names.parameters(call)})>"
    unfinished.remove(die.offset)
    return name
