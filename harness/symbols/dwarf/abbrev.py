"""Abbreviation tables (DWARF 5, section 7.5.3), compiled as they are read."""

from __future__ import annotations

from typing import NamedTuple

from harness.errors import InputRejected
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.decoder import Attribute, Decode, compile_decoder
from harness.symbols.dwarf.forms import Layout
from harness.symbols.dwarf.leb import read_sleb, read_uleb
from harness.symbols.sections import Section

_WINDOW_BYTES = 16 * 1024
_MOST_DECLARATIONS = 100_000
_PC = {dw.AT_LOW_PC, dw.AT_HIGH_PC, dw.AT_RANGES}
_TYPE = {dw.AT_NAME, dw.AT_TYPE, dw.AT_BYTE_SIZE, dw.AT_DECLARATION, dw.AT_SIGNATURE,
         dw.AT_SPECIFICATION, dw.AT_LINKAGE_NAME, dw.AT_COUNT, dw.AT_UPPER_BOUND, dw.AT_GO_KIND,
         dw.AT_SIBLING, dw.AT_ABSTRACT_ORIGIN}  # fmt: skip
_VARIABLE = {dw.AT_NAME, dw.AT_TYPE, dw.AT_DECL_LINE, dw.AT_DECL_FILE, dw.AT_LOCATION,
             dw.AT_ABSTRACT_ORIGIN, dw.AT_SPECIFICATION, dw.AT_DECLARATION, dw.AT_EXTERNAL,
             dw.AT_ARTIFICIAL, dw.AT_VARIABLE_PARAMETER}  # fmt: skip
_UNIT = _PC | {dw.AT_NAME, dw.AT_COMP_DIR, dw.AT_LANGUAGE, dw.AT_STMT_LIST, dw.AT_PRODUCER,
               dw.AT_STR_OFFSETS_BASE, dw.AT_ADDR_BASE, dw.AT_RNGLISTS_BASE, dw.AT_LOCLISTS_BASE,
               dw.AT_DWO_NAME, dw.AT_GNU_DWO_NAME}  # fmt: skip
_WANTED: dict[int, frozenset[int]] = {
    dw.TAG_COMPILE_UNIT: frozenset(_UNIT),
    dw.TAG_PARTIAL_UNIT: frozenset(_UNIT),
    dw.TAG_TYPE_UNIT: frozenset(_UNIT),
    dw.TAG_SKELETON_UNIT: frozenset(_UNIT),
    dw.TAG_SUBPROGRAM: frozenset(
        _PC
        | {dw.AT_NAME, dw.AT_LINKAGE_NAME, dw.AT_MIPS_LINKAGE_NAME, dw.AT_DECL_FILE,
           dw.AT_DECL_LINE, dw.AT_INLINE, dw.AT_ABSTRACT_ORIGIN, dw.AT_SPECIFICATION,
           dw.AT_DECLARATION, dw.AT_TRAMPOLINE, dw.AT_SIBLING}
    ),
    dw.TAG_INLINED_SUBROUTINE: frozenset(_PC | {dw.AT_ABSTRACT_ORIGIN, dw.AT_SIBLING}),
    dw.TAG_LEXICAL_BLOCK: frozenset(_PC | {dw.AT_ABSTRACT_ORIGIN, dw.AT_SIBLING}),
    dw.TAG_FORMAL_PARAMETER: frozenset(_VARIABLE),
    dw.TAG_VARIABLE: frozenset(_VARIABLE),
    dw.TAG_MEMBER: frozenset(_VARIABLE),
}  # fmt: skip
_WANTED_OF_OTHERS = frozenset(_TYPE)


class Abbreviation(NamedTuple):
    """One declaration: what an entry with its code is, and how to read or skip it."""

    tag: int
    has_children: bool
    fixed: int
    decode: Decode
    sibling: Decode | None


def read_table(section: Section, offset: int, layout: Layout) -> dict[int, Abbreviation]:
    """Read and compile the table at `offset`; keys are abbreviation codes.

    Raises:
        InputRejected: The table runs out of its section or uses an unknown form.
    """
    size = _WINDOW_BYTES
    while True:
        data = section.window(offset, size)
        try:
            return _parse(data, layout)
        except IndexError:
            if len(data) < size:
                raise InputRejected(
                    "an abbreviation table without end", section=section.name, offset=offset
                ) from None
            size *= 4


def _parse(data: bytes, layout: Layout) -> dict[int, Abbreviation]:
    table: dict[int, Abbreviation] = {}
    code, at = read_uleb(data, 0)
    while code:
        tag, at = read_uleb(data, at)
        has_children = data[at] != 0
        attributes, at = _parse_attributes(data, at + 1)
        wanted = _WANTED.get(tag, _WANTED_OF_OTHERS)
        decoder = compile_decoder(attributes, wanted, layout)
        table[code] = Abbreviation(
            tag, has_children, decoder.fixed, decoder.decode, decoder.sibling
        )
        if len(table) > _MOST_DECLARATIONS:
            raise InputRejected("an abbreviation table of more than 100,000 declarations")
        code, at = read_uleb(data, at)
    return table


def _parse_attributes(data: bytes, at: int) -> tuple[tuple[Attribute, ...], int]:
    attributes: list[Attribute] = []
    while True:
        name, at = read_uleb(data, at)
        form, at = read_uleb(data, at)
        constant = 0
        if form == dw.FORM_IMPLICIT_CONST:
            constant, at = read_sleb(data, at)
        if not name and not form:
            return tuple(attributes), at
        attributes.append(Attribute(name, form, constant))
