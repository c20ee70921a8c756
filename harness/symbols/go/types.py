"""Scopes of Go types: fields of structs, merged over the instantiations of a generic type."""

from __future__ import annotations

from collections import Counter

from harness.model import Scope, Symbol
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.dies import iter_children, read_die
from harness.symbols.go.binary import GoBinary
from harness.symbols.go.names import canonical_type_name
from harness.symbols.go.typenames import PARAMETRIC

STAGE = "scope tree"

_GO_STRUCT = 25
"""Kind of a struct that source code wrote as one; slices, strings and interfaces are others."""

_MEMBERS = frozenset((dw.TAG_MEMBER,))


def read_fields(binary: GoBinary, offsets: list[int]) -> list[Symbol]:
    """Return the fields of a type, given the entries of its name (one for each instantiation).

    A field whose type is not the same everywhere depends on type arguments and shows as `<T>`.
    """
    types: dict[tuple[str, int], str] = {}
    for offset in offsets:
        seen: Counter[str] = Counter()
        for name, field_type in _list_fields(binary, offset):
            # A struct may have several fields named "_".
            key = (name, seen[name])
            seen[name] += 1
            if types.setdefault(key, field_type) != field_type:
                types[key] = PARAMETRIC
    return [
        Symbol(name=name, type=field_type, symbol_type="field")
        for (name, _), field_type in types.items()
    ]


def _list_fields(binary: GoBinary, offset: int) -> list[tuple[str, str]]:
    unit = binary.dwarf.unit_of(offset)
    die = read_die(unit, offset)
    kind = die.attributes.get(dw.AT_GO_KIND)
    if die.tag != dw.TAG_STRUCTURE_TYPE or kind != _GO_STRUCT or not die.has_children:
        return []
    fields: list[tuple[str, str]] = []
    for member in iter_children(unit, offset, _MEMBERS):
        target = member.attributes.get(dw.AT_TYPE)
        if target is None:
            binary.skip("field: no type")
            continue
        name = unit.text(member.attributes.get(dw.AT_NAME))
        fields.append((name, canonical_type_name(binary.types.raw_name(target))))
    return fields


def type_scope(name: str, fields: list[Symbol], methods: list[Scope]) -> Scope:
    """Return the scope of a type. Types have no file and no lines."""
    return Scope(
        scope_type="struct",
        name=name,
        start_line=0,
        end_line=0,
        has_injectible_lines=False,
        symbols=fields,
        scopes=methods,
    )
