"""Abbreviation tables (DWARF 5, section 7.5.3), compiled as they are read."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from harness.errors import InputRejected
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.decoder import Attribute, Decode, compile_decoder, fixed_size
from harness.symbols.dwarf.forms import Layout, read_sleb, read_uleb
from harness.symbols.sections import Section

STAGE = "extraction"

_WINDOW_BYTES = 16 * 1024
_MOST_DECLARATIONS = 100_000
_MOST_ATTRIBUTE_BYTES = 4096  # each attribute is parsed, and compiled into a line of a function
_MOST_TABLE_BYTES = 1024 * 1024
_PC = {dw.AT_LOW_PC, dw.AT_HIGH_PC, dw.AT_RANGES}
_TYPE = {dw.AT_NAME, dw.AT_TYPE, dw.AT_BYTE_SIZE, dw.AT_DECLARATION, dw.AT_SIGNATURE,
         dw.AT_SPECIFICATION, dw.AT_LINKAGE_NAME, dw.AT_COUNT, dw.AT_UPPER_BOUND, dw.AT_GO_KIND,
         dw.AT_SIBLING, dw.AT_ABSTRACT_ORIGIN}  # fmt: skip
_VARIABLE = {dw.AT_NAME, dw.AT_TYPE, dw.AT_DECL_LINE, dw.AT_DECL_FILE, dw.AT_LOCATION,
             dw.AT_ABSTRACT_ORIGIN, dw.AT_SPECIFICATION, dw.AT_DECLARATION, dw.AT_EXTERNAL,
             dw.AT_ARTIFICIAL, dw.AT_VARIABLE_PARAMETER}  # fmt: skip
_UNIT = _PC | {dw.AT_NAME, dw.AT_COMP_DIR, dw.AT_LANGUAGE, dw.AT_STMT_LIST, dw.AT_PRODUCER,
               dw.AT_STR_OFFSETS_BASE, dw.AT_ADDR_BASE, dw.AT_RNGLISTS_BASE, dw.AT_LOCLISTS_BASE,
               dw.AT_DWO_NAME, dw.AT_GNU_DWO_NAME, dw.AT_GNU_DWO_ID,
               dw.AT_GNU_RANGES_BASE, dw.AT_GNU_ADDR_BASE}  # fmt: skip
_WANTED: dict[int, frozenset[int]] = {
    dw.TAG_COMPILE_UNIT: frozenset(_UNIT),
    dw.TAG_PARTIAL_UNIT: frozenset(_UNIT),
    dw.TAG_TYPE_UNIT: frozenset(_UNIT),
    dw.TAG_SKELETON_UNIT: frozenset(_UNIT),
    dw.TAG_IMPORTED_UNIT: frozenset((dw.AT_IMPORT, dw.AT_SIBLING)),
    dw.TAG_SUBPROGRAM: frozenset(
        _PC
        | {dw.AT_NAME, dw.AT_LINKAGE_NAME, dw.AT_MIPS_LINKAGE_NAME, dw.AT_DECL_FILE,
           dw.AT_DECL_LINE, dw.AT_INLINE, dw.AT_ABSTRACT_ORIGIN, dw.AT_SPECIFICATION,
           dw.AT_DECLARATION, dw.AT_TRAMPOLINE, dw.AT_SIBLING}
    ),
    dw.TAG_INLINED_SUBROUTINE: frozenset(
        _PC | {dw.AT_ABSTRACT_ORIGIN, dw.AT_SIBLING, dw.AT_CALL_FILE, dw.AT_CALL_LINE}
    ),
    dw.TAG_LEXICAL_BLOCK: frozenset(_PC | {dw.AT_ABSTRACT_ORIGIN, dw.AT_SIBLING}),
    dw.TAG_FORMAL_PARAMETER: frozenset(_VARIABLE),
    dw.TAG_VARIABLE: frozenset(_VARIABLE),
    dw.TAG_MEMBER: frozenset(_VARIABLE),
    dw.TAG_PTR_TO_MEMBER_TYPE: frozenset(_TYPE | {dw.AT_CONTAINING_TYPE}),
}  # fmt: skip
_WANTED_OF_OTHERS = frozenset(_TYPE)


def wanted_of(tag: int) -> frozenset[int]:
    """Return the attributes that `decode` reads of entries with this tag."""
    return _WANTED.get(tag, _WANTED_OF_OTHERS)


class Abbreviation:
    """One declaration: what an entry with its code is, and how to read or skip it.

    The functions are compiled when they are first asked for: of most declarations, most of them
    never are. `decode` reads the attributes that extraction wants of this tag, `skip` nothing but
    the position behind the entry; `fixed` is -1 where the attributes do not always take as much.
    """

    __slots__ = ("_layout", "_raw", "decode", "fixed", "has_children", "skip", "tag")

    decode: Decode
    skip: Decode

    def __init__(self, tag: int, has_children: bool, raw: bytes, layout: Layout) -> None:
        self.tag = tag
        self.has_children = has_children
        self.fixed = fixed_size(_parse_attributes(raw, 0)[0], layout)
        self._raw = raw  # parsed again when needed: a tenth of the size of the parsed form
        self._layout = layout

    def uses(self, form: int) -> bool:
        """Tell whether any attribute has this form."""
        return any(attribute.form == form for attribute in _parse_attributes(self._raw, 0)[0])

    def __getattr__(self, name: str) -> Decode:
        wanted = wanted_of(self.tag) if name == "decode" else frozenset[int]()
        if name not in ("decode", "skip"):
            raise AttributeError(name)
        compiled = compile_decoder(_parse_attributes(self._raw, 0)[0], wanted, self._layout)
        setattr(self, name, compiled)
        return compiled

    def holds(self, octets: bytes) -> bool:
        """Tell whether the declaration has these octets, unparsed: a quick no, or a maybe."""
        return octets in self._raw


_share = lru_cache(maxsize=1024)(Abbreviation)
"""Tables of different units repeat themselves: equal declarations are one object."""


class AbbreviationTable(dict[int, Abbreviation]):
    """Declarations by code."""

    def __init__(self) -> None:
        super().__init__()
        self._steps: dict[frozenset[int] | None, bytes] = {}
        self._tags: dict[int, frozenset[int]] = {}

    def tags_with(self, form: int) -> frozenset[int]:
        """Return the tags of the declarations that use a form."""
        if form not in self._tags:
            self._tags[form] = frozenset(
                abbreviation.tag for abbreviation in self.values() if abbreviation.uses(form)
            )
        return self._tags[form]

    def steps(self, tags: frozenset[int] | None) -> bytes:
        """Return, by the first octet of an entry, how far it is to the next one.

        0 means that it has to be looked at: because `tags` has it, because it has children, or
        because its size is not fixed. Most entries are stepped over with nothing but this.
        """
        found = self._steps.get(tags)
        if found is None:
            steps = bytearray(256)
            for code, abbreviation in self.items():
                if tags is None:
                    break
                size = abbreviation.fixed + 1
                passed_over = not abbreviation.has_children and abbreviation.tag not in tags
                if passed_over and code < 128 and 0 < size < 256:
                    steps[code] = size
            found = self._steps[tags] = bytes(steps)
        return found


def read_table(
    section: Section, offset: int, layout: Layout, check_time: Callable[[], None]
) -> AbbreviationTable:
    """Read and compile the table at `offset`; keys are abbreviation codes.

    Raises:
        InputRejected: The table runs out of its section, uses an unknown form or is too large.
    """
    size = _WINDOW_BYTES
    while True:
        data = section.window(offset, size)
        try:
            return _parse(data, layout, check_time)
        except IndexError:
            if len(data) < size or size >= _MOST_TABLE_BYTES:
                raise InputRejected(
                    "an abbreviation table without end", section=section.name, offset=offset
                ) from None
            size *= 4


def _parse(data: bytes, layout: Layout, check_time: Callable[[], None]) -> AbbreviationTable:
    table = AbbreviationTable()
    code, at = read_uleb(data, 0)
    while code:
        tag, at = read_uleb(data, at)
        has_children = data[at] != 0
        start = at + 1
        at = _skip_attributes(data, start)
        if len(table) == _MOST_DECLARATIONS or at - start > _MOST_ATTRIBUTE_BYTES:
            reason = "more than 100,000 abbreviations, or one of more than 4,096 bytes"
            raise InputRejected(reason, section=".debug_abbrev")
        if len(table) % 256 == 255:
            check_time()
        table[code] = _share(tag, has_children, data[start:at], layout)
        code, at = read_uleb(data, at)
    return table


def _skip_attributes(data: bytes, at: int) -> int:
    """Return the position behind a list of attributes: behind the pair of zeros that ends it."""
    while True:
        name, form = data[at], data[at + 1]
        at += 2
        if name > 127 or form > 127:
            name, at = read_uleb(data, at - 2)
            form, at = read_uleb(data, at)
        if form == dw.FORM_IMPLICIT_CONST:
            _, at = read_sleb(data, at)
        if not name and not form:
            return at


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
