"""Spell types the way their source does: `const char *`, `int[4]`, `void (*)(int)`.

A pointer to an array is `int (*)[5]`, its mark in the middle. Finished text has no middle that
could be found again once parentheses are part of a name, so a type stays a pair, what stands before
the declared name and what behind it, until it is shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.decoder import SIGNATURE
from harness.symbols.dwarf.dies import Die, iter_children, read_die

if TYPE_CHECKING:
    from harness.symbols.dwarf.units import Unit
    from harness.symbols.native.paths import Names
    from harness.symbols.native.signed import SignedTypes

STAGE = "extraction"


class Declarator(NamedTuple):
    """A type on its way to being spelled: what stands before the declared name, and behind it.

    If the outermost part binds behind, a pointer to it needs parentheses. If it ends in a pointer,
    a qualifier belongs behind `before`: `*const`, not `const *`.
    """

    before: str
    after: str = ""
    binds_behind: bool = False
    ends_in_pointer: bool = False

    def text(self) -> str:
        """Return the spelling without a name."""
        gap = " " if self.after.startswith("(") and not self.before.endswith(_CLINGING) else ""
        return f"{self.before}{gap}{self.after}"

    def cut(self, limit: int) -> Declarator:
        """Return the same with no more than `limit` characters."""
        before = self.before[:limit]
        return self._replace(before=before, after=self.after[: limit - len(before)])


_CLINGING = ("*", "&", "(")


def pointer_to(target: Declarator, mark: str) -> Declarator:
    """Return a pointer, reference or pointer to member; `mark` is `*`, `&`, `&&` or `Base::*`."""
    before, after = target.before, target.after
    gap = "" if before.endswith(_CLINGING) else " "
    if target.binds_behind:
        mark, after = f"({mark}", f"){after}"
    return Declarator(f"{before}{gap}{mark}", after, ends_in_pointer=True)


def qualified(target: Declarator, qualifier: str) -> Declarator:
    """Return a qualified type. That of an array are its elements, that of a function itself.

    A reference is never qualified, though some compilers say so.
    """
    before = target.before
    if target.ends_in_pointer and before.endswith("&"):
        return target
    if before.endswith(qualifier) if target.ends_in_pointer else before.startswith(f"{qualifier} "):
        return target  # a constant array of constants
    if target.ends_in_pointer:
        gap = "" if before.endswith(_CLINGING) else " "
        return target._replace(before=f"{before}{gap}{qualifier}")
    if target.after.startswith("("):
        return target._replace(after=f"{target.after} {qualifier}")
    if qualifier == "volatile" and before.startswith("const "):
        return target._replace(before=f"const volatile {before.removeprefix('const ')}")
    return target._replace(before=f"{qualifier} {before}")


def array_of(element: Declarator, dimensions: str) -> Declarator:
    """Return an array; `dimensions` is `[2][3]`."""
    return element._replace(after=f"{dimensions}{element.after}", binds_behind=True)


def function_of(result: Declarator, parameters: str, qualifiers: str = "") -> Declarator:
    """Return a function type; `qualifiers`, as in ` const`, are those of a member function."""
    return Declarator(result.before, f"({parameters}){qualifiers}{result.after}", binds_behind=True)


_CACHED_NAMES = 1024
_DEEPEST = 32
_UNKNOWN = Declarator("?")
_VOID = Declarator("void")
CUT = "rest of a type name longer than the limit"
_ELSEWHERE = {dw.AT_SPECIFICATION, dw.AT_SIGNATURE}
_SUBRANGES = frozenset((dw.TAG_SUBRANGE_TYPE,))
_MARKS = {
    dw.TAG_POINTER_TYPE: "*",
    dw.TAG_REFERENCE_TYPE: "&",
    dw.TAG_RVALUE_REFERENCE_TYPE: "&&",
}
_QUALIFIERS = {
    dw.TAG_CONST_TYPE: "const",
    dw.TAG_VOLATILE_TYPE: "volatile",
    dw.TAG_RESTRICT_TYPE: "restrict",
    dw.TAG_ATOMIC_TYPE: "_Atomic",
}
_ANONYMOUS = {
    dw.TAG_STRUCTURE_TYPE: "(anonymous struct)",
    dw.TAG_CLASS_TYPE: "(anonymous class)",
    dw.TAG_UNION_TYPE: "(anonymous union)",
    dw.TAG_ENUMERATION_TYPE: "(anonymous enum)",
}


class TypeNames:
    """Names of the types of one unit. The cache lives and dies with the unit, and is bounded."""

    def __init__(
        self, unit: Unit, index: Names, skipped: Counter[str], signed: SignedTypes
    ) -> None:
        self._unit = unit
        self._index = index
        self._skipped = skipped
        self._signed = signed
        self._limit = unit.dwarf.elf.limits.type_name_chars
        self._cache: dict[int | None, Declarator] = {}
        self._open: set[int] = set()

    def name(self, offset: int | None) -> str:
        """Return the spelling of the type at `offset`; no type at all is `void`.

        Types that live in another file, chains deeper than 32, and a type inside itself without a
        name between are spelled `?`.
        """
        # Without `text` where nothing stands behind: all symbols of a type share one object.
        found = self._cache.get(offset) or self.declare(offset, 0)
        return found.text() if found.after else found.before

    def declare(self, offset: int | None, depth: int) -> Declarator:
        """Return a type that is not finished, `depth` types below the one that was asked for."""
        if offset is None:
            return _VOID
        known = self._cache.get(offset)
        if known is not None:
            return known
        if depth > _DEEPEST or offset in self._open:
            return _UNKNOWN
        if len(self._cache) >= _CACHED_NAMES:
            self._unit.dwarf.budget.check_time()
            self._cache.clear()
        self._open.add(offset)
        found = self._cache[offset] = self._within_limit(self._spell(offset, depth + 1))
        self._open.remove(offset)
        return found

    def _within_limit(self, found: Declarator) -> Declarator:
        if len(found.before) + len(found.after) <= self._limit:
            return found
        self._skipped[CUT] += 1
        return found.cut(self._limit)

    def _spell(self, offset: int, depth: int) -> Declarator:
        if offset < 0:  # a signature, or what a supplementary file has
            found = self._signed.declare(offset, depth) if offset <= SIGNATURE else None
            return found or _UNKNOWN
        unit, die = self._read(offset)
        name = die.attributes.get(dw.AT_NAME)
        if name is not None and not die.attributes.keys() & _ELSEWHERE:
            return Declarator(self._qualify(offset, unit.text(name)))
        if die.tag in _ANONYMOUS:
            return self._composite(die, depth)
        if die.tag == dw.TAG_PTR_TO_MEMBER_TYPE:
            return self._member_pointer(die.attributes, depth)
        if die.tag == dw.TAG_SUBROUTINE_TYPE:
            return self._function(unit, die, depth)
        return self._derived(unit, die, depth)

    def _composite(self, die: Die, depth: int) -> Declarator:
        """Return a struct or the like by its name, that of a typedef, or that in its own unit."""
        name = self._index.type_name(die)
        anonymous = Declarator(_ANONYMOUS[die.tag])
        signature = die.attributes.get(dw.AT_SIGNATURE)
        found = anonymous if signature is None else self.declare(signature, depth)
        # A stub may have a name, but often stands outside of what encloses the type.
        return Declarator(name) if name and found in (anonymous, _UNKNOWN) else found

    def _derived(self, unit: Unit, die: Die, depth: int) -> Declarator:
        """Return a type that is made of one other: pointer, reference, array, qualified type."""
        target = self.declare(die.attributes.get(dw.AT_TYPE), depth)
        if die.tag in _MARKS:
            return pointer_to(target, _MARKS[die.tag])
        if die.tag in _QUALIFIERS:
            return qualified(target, _QUALIFIERS[die.tag])
        return _array(unit, die, target) if die.tag == dw.TAG_ARRAY_TYPE else _UNKNOWN

    def _read(self, offset: int) -> tuple[Unit, Die]:
        unit = self._unit
        if not unit.first <= offset < unit.end:
            unit = unit.dwarf.unit_of(offset)
        return unit, read_die(unit, offset)

    def _qualify(self, offset: int, name: str) -> str:
        parent, _ = self._index.parent_of(offset)
        return f"{parent}::{name}" if parent else name

    def _member_pointer(self, attributes: dict[int, Any], depth: int) -> Declarator:
        mark = f"{self.declare(attributes.get(dw.AT_CONTAINING_TYPE), depth).text()}::*"
        target = attributes.get(dw.AT_TYPE)
        if target is not None and target >= 0:
            unit, die = self._read(target)
            if die.tag == dw.TAG_SUBROUTINE_TYPE:  # its first parameter is `this`: not spelled
                return pointer_to(self._function(unit, die, depth, of_member=True), mark)
        return pointer_to(self.declare(target, depth), mark)

    def parameters(self, die: Die) -> str:
        """Return the types of the parameters of a member function, but for that of `this`."""
        return self._parameters(self._unit, die, 0, of_member=True)[0]

    def _function(self, unit: Unit, die: Die, depth: int, *, of_member: bool = False) -> Declarator:
        result = self.declare(die.attributes.get(dw.AT_TYPE), depth)
        return function_of(result, *self._parameters(unit, die, depth, of_member=of_member))

    def _parameters(self, unit: Unit, die: Die, depth: int, *, of_member: bool) -> tuple[str, str]:
        """Return the parameters and the qualifiers of a function."""
        parts: list[str] = []
        qualifiers, room = "", self._limit
        for child in iter_children(unit, die.offset) if die.has_children else ():
            target = child.attributes.get(dw.AT_TYPE)
            if room < 0:
                break
            if child.tag == dw.TAG_UNSPECIFIED_PARAMETERS:
                parts.append("...")
            elif child.tag != dw.TAG_FORMAL_PARAMETER:
                continue
            elif of_member and child.attributes.get(dw.AT_ARTIFICIAL):
                qualifiers = self._qualifiers_of_pointee(target)
            else:
                parts.append(self.declare(target, depth).text())
                room -= len(parts[-1]) + 2
        return ", ".join(parts), qualifiers

    def _qualifiers_of_pointee(self, offset: int | None) -> str:
        """Return ` const` and the like, which a member function says of what `this` points to."""
        found = ""
        for _ in range(_DEEPEST):
            if offset is None or offset < 0:
                break
            _, die = self._read(offset)
            if die.tag != dw.TAG_POINTER_TYPE and die.tag not in _QUALIFIERS:
                break
            found = "" if die.tag == dw.TAG_POINTER_TYPE else f" {_QUALIFIERS[die.tag]}{found}"
            offset = die.attributes.get(dw.AT_TYPE)
        return found


def _array(unit: Unit, die: Die, element: Declarator) -> Declarator:
    sizes = list(_iter_sizes(unit, die)) or [""]
    if unit.language != "rust":
        return array_of(element, "".join(f"[{size}]" for size in sizes))
    text = element.text()
    for size in reversed(sizes):
        text = f"[{text}; {size}]"
    return Declarator(text)


def _iter_sizes(unit: Unit, die: Die) -> Iterator[str]:
    for child in iter_children(unit, die.offset, _SUBRANGES) if die.has_children else ():
        count = child.attributes.get(dw.AT_COUNT)
        bound = child.attributes.get(dw.AT_UPPER_BOUND)
        if isinstance(bound, int) and count is None:
            count = bound + 1
        yield str(count) if isinstance(count, int) else ""
