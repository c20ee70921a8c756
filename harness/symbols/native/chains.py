"""Entries that refer to others for what they are: instances, definitions and declarations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.decoder import ELSEWHERE
from harness.symbols.dwarf.dies import read_die

if TYPE_CHECKING:
    from harness.symbols.dwarf.units import Dwarf, Unit

STAGE = "extraction"

_LONGEST_CHAIN = 32
INSTANCE_TAGS = frozenset((dw.TAG_SUBPROGRAM, dw.TAG_INLINED_SUBROUTINE))
_CROSSING = (bytes((dw.AT_ABSTRACT_ORIGIN, dw.FORM_REF_ADDR)),
             bytes((dw.AT_ABSTRACT_ORIGIN, dw.FORM_INDIRECT)))  # fmt: skip
_INTO_SUPPLEMENT = (
    bytes((dw.AT_ABSTRACT_ORIGIN, dw.FORM_REF_SUP4)),
    bytes((dw.AT_ABSTRACT_ORIGIN, dw.FORM_REF_SUP8)),
    bytes((dw.AT_ABSTRACT_ORIGIN, dw.FORM_GNU_REF_ALT & 0x7F | 0x80, dw.FORM_GNU_REF_ALT >> 7)),
)


class Chain(NamedTuple):
    """What an entry and those that it refers to say about one function or variable.

    Each attribute is that of the first entry of the chain that has it. `offset` and `unit` are of
    the last entry, the declaration; `named_in` is the unit whose file table the number of the file
    is for.
    """

    found: dict[int, Any]
    offset: int
    unit: Unit
    named_in: Unit


def follow(unit: Unit, offset: int, attributes: dict[int, Any]) -> Chain:
    """Follow origin and specification from the entry at `offset`, across units if need be."""
    found, named_in = dict(attributes), unit
    seen = {offset}
    for _ in range(_LONGEST_CHAIN):
        step = attributes.get(dw.AT_ABSTRACT_ORIGIN, attributes.get(dw.AT_SPECIFICATION))
        if step is None or step <= ELSEWHERE or step in seen:
            break
        seen.add(step)
        offset, unit = step, owner_of(unit, step)
        attributes = read_die(unit, offset).attributes
        if dw.AT_DECL_FILE not in found:
            named_in = unit
        found = attributes | found
    return Chain(found, offset, unit, named_in)


def owner_of(unit: Unit, offset: int) -> Unit:
    """Return the unit of the entry at `offset`: mostly the given one, and then it is not sought."""
    return unit if unit.first <= offset < unit.end else unit.dwarf.unit_of(offset)


def definition_of(unit: Unit, origin: int) -> tuple[int, dict[int, Any]]:
    """Return the last entry of a chain of origins, and its attributes.

    The offset is ELSEWHERE if the chain leads out of the file. A constructor's variant, for one, is
    an instance whose origin has an origin itself.
    """
    attributes: dict[int, Any] = {}
    for _ in range(_LONGEST_CHAIN):
        if origin <= ELSEWHERE:
            break
        unit = owner_of(unit, origin)
        attributes = read_die(unit, origin).attributes
        following = attributes.get(dw.AT_ABSTRACT_ORIGIN)
        if following is None:
            break
        origin = following
    return origin, attributes


def reason_to_drop(origin: int | None) -> str:
    """Return why an instance with this origin has no definition here; empty if it may have one."""
    if origin is None:
        return "instance without an origin"
    return "instance of a function in another file" if origin <= ELSEWHERE else ""


def crossing(dwarf: Dwarf) -> tuple[bytes, ...]:
    """Return what the declaration of an entry has that refers to a definition in another unit.

    These octets can be found elsewhere in a table of declarations, so as few as can be are asked.
    """
    return _CROSSING if dwarf.supplement is None else _CROSSING + _INTO_SUPPLEMENT


def may_cross(unit: Unit) -> bool:
    """Tell whether any instance in a unit may have its definition in another one."""
    pairs = crossing(unit.dwarf)
    return any(
        abbreviation.tag in INSTANCE_TAGS and any(map(abbreviation.holds, pairs))
        for abbreviation in unit.table.values()
    )
