"""What pyelftools says of an entry, in the fast reader's terms: the oracle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from elftools.dwarf.compileunit import CompileUnit
from elftools.dwarf.die import DIE, AttributeValue
from elftools.dwarf.dwarfinfo import DWARFInfo
from elftools.dwarf.enums import ENUM_DW_AT, ENUM_DW_TAG
from elftools.dwarf.locationlists import BaseAddressEntry, LocationEntry, LocationParser
from elftools.dwarf.ranges import RangeEntry

from harness.symbols.dwarf import constants as dw

_SET_ADDRESS = 2
_BLOCKS = {"DW_FORM_exprloc", "DW_FORM_block", "DW_FORM_block1", "DW_FORM_block2", "DW_FORM_block4"}
_STRINGS = {"DW_FORM_string", "DW_FORM_strp", "DW_FORM_line_strp", "DW_FORM_strx",
            "DW_FORM_strx1", "DW_FORM_strx2", "DW_FORM_strx3", "DW_FORM_strx4"}  # fmt: skip
_LOCAL = {"DW_FORM_ref1", "DW_FORM_ref2", "DW_FORM_ref4", "DW_FORM_ref8", "DW_FORM_ref_udata"}
_INDEXES = {"DW_FORM_addrx", "DW_FORM_addrx1", "DW_FORM_addrx2", "DW_FORM_addrx3",
            "DW_FORM_addrx4"}  # fmt: skip


def tag_number(die: DIE) -> int:
    """Return the numeric tag of a pyelftools entry."""
    return die.tag if isinstance(die.tag, int) else int(ENUM_DW_TAG[str(die.tag)])


_BOUNDS = (dw.AT_UPPER_BOUND, dw.AT_COUNT)


def expected(die: DIE, wanted: frozenset[int]) -> dict[int, Any]:
    """Return the attributes that the fast reader should return for `die`; strings as text."""
    found: dict[int, Any] = {}
    for name, key, translate in plan(die, wanted):
        attribute = die.attributes[name]
        value = translate(attribute, die.cu.cu_offset)
        is_text = attribute.form in _STRINGS
        found[key] = value.decode("utf-8", "replace") if is_text else value
    return found


def plan(
    die: DIE, wanted: frozenset[int]
) -> list[tuple[str, int, Callable[[AttributeValue, int], Any]]]:
    """Return how the attributes of all entries like `die` are translated: name, key, function.

    As `expected`, but for strings, which stay bytes: the function takes attribute and unit.
    """
    found = []
    for name, attribute in die.attributes.items():
        number = int(ENUM_DW_AT.get(str(name), name))
        computed = number in _BOUNDS and attribute.form in (*_LOCAL, *_BLOCKS)
        if number in wanted and not computed:
            key = _key(number, attribute.form)
            found.append((name, key, _translator(number, attribute.form, by_index=key != number)))
    return found


def _translator(number: int, form: str, *, by_index: bool) -> Callable[[AttributeValue, int], Any]:
    if by_index:
        return lambda attribute, _: attribute.raw_value
    if form in _BLOCKS:
        return lambda attribute, _: bytes(attribute.value)
    if form in _LOCAL:
        return lambda attribute, unit: attribute.value + unit
    if form == "DW_FORM_ref_sig8":
        return lambda attribute, _: -2 - attribute.value
    if number == dw.AT_DECL_LINE:
        return lambda attribute, _: attribute.value & 0xFFFF_FFFF
    return lambda attribute, _: attribute.value


def _key(number: int, form: str) -> int:
    """Return the attribute's number, or that of its class where the form makes it another."""
    indexed = form in _INDEXES
    special = {
        (dw.AT_LOCATION, "DW_FORM_loclistx"): dw.AT_LOCATION_LIST_INDEX,
        (dw.AT_RANGES, "DW_FORM_rnglistx"): dw.AT_RANGES_INDEX,
    }
    if (number, form) in special:
        return special[number, form]
    if number == dw.AT_LOCATION and form not in _BLOCKS:
        return dw.AT_LOCATION_LIST
    if number == dw.AT_LOW_PC and indexed:
        return dw.AT_LOW_PC_INDEX
    if number == dw.AT_HIGH_PC and form != "DW_FORM_addr":
        return dw.AT_HIGH_PC_INDEX if indexed else dw.AT_HIGH_PC_OFFSET
    return number


def iter_entries(unit: CompileUnit) -> Iterator[DIE]:
    """Yield the entries of a unit in file order, without the null entries between them."""
    return (die for die in unit.iter_DIEs() if not die.is_null())


def expected_ranges(dwarf: DWARFInfo, die: DIE) -> list[tuple[int, int]] | None:
    """Return the range list of an entry that has one, empty ranges left out; None without one."""
    attribute = die.attributes.get("DW_AT_ranges")
    if attribute is None:
        return None
    top = die.cu.get_top_DIE().attributes.get("DW_AT_low_pc")
    base = top.value if top else 0
    found: list[tuple[int, int]] = []
    lists = dwarf.range_lists()
    assert lists is not None
    assert isinstance(die.cu, CompileUnit)
    for entry in lists.get_range_list_at_offset(attribute.value, die.cu):
        if not isinstance(entry, RangeEntry):
            base = entry.base_address
            continue
        shift = 0 if entry.is_absolute else base
        if entry.end_offset > entry.begin_offset and entry.begin_offset + shift not in MARKS:
            found.append((entry.begin_offset + shift, entry.end_offset + shift))
    return found


def expected_locations(dwarf: DWARFInfo, die: DIE) -> list[tuple[int, int, bytes]]:
    """Return where a variable is; (0, 0, expression) for a single expression."""
    attribute = die.attributes.get("DW_AT_location")
    if attribute is None:
        return []
    if attribute.form in _BLOCKS:
        return [(0, 0, bytes(attribute.value))]
    top = die.cu.get_top_DIE().attributes.get("DW_AT_low_pc")
    base = top.value if top else 0
    parser = LocationParser(dwarf.location_lists())
    found: list[tuple[int, int, bytes]] = []
    for entry in parser.parse_from_attribute(attribute, die.cu["version"], die):
        if isinstance(entry, LocationEntry):
            shift = 0 if entry.is_absolute else base
            low, high = entry.begin_offset + shift, entry.end_offset + shift
            found.append((low, high, bytes(entry.loc_expr)))
        elif isinstance(entry, BaseAddressEntry):
            base = entry.base_address
    return found


MARKS = frozenset((None, 0, 1, (1 << 64) - 2, (1 << 64) - 1))
"""Where a sequence or range begins whose code the linker discarded; None where it does not say."""


def iter_sequences(dwarf: DWARFInfo, unit: CompileUnit) -> Iterator[list[tuple[int, int, int]]]:
    """Yield (address, line, file) of the unit's statements, a list a sequence.

    Sequences that begin at a mark are left out: the linker discarded their code.
    """
    program = dwarf.line_program_for_CU(unit)
    sequence: list[tuple[int, int, int]] = []
    start = None
    for entry in program.get_entries() if program else ():
        state = entry.state
        if start is None and entry.command == _SET_ADDRESS and entry.is_extended:
            start = entry.args[0]
        if state is None:
            continue
        if state.end_sequence:
            if start not in MARKS and sequence:
                yield sequence
            sequence, start = [], None
        elif state.is_stmt and state.line:
            sequence.append((state.address, state.line & 0xFFFF_FFFF, state.file))


def expected_rows(dwarf: DWARFInfo, unit: CompileUnit) -> list[tuple[int, int, int]]:
    """Return the rows of all sequences of a unit, in the order of its program."""
    return [row for sequence in iter_sequences(dwarf, unit) for row in sequence]
