"""Inlined instances: what each of them says about the function that it is an instance of.

An instance has no lines and no variables of its own to show. It contributes to its definition: the
file, the last line, the lines where a probe reaches the inlined code, and where each variable can
be read there. Contributions are worked out while the line table of the function around them is at
hand, stored, and merged when the definition is delivered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.dies import Die
from harness.symbols.dwarf.lists import pc_ranges
from harness.symbols.dwarf.units import Unit
from harness.symbols.go.availability import available_pcs
from harness.symbols.go.binary import GoBinary
from harness.symbols.go.index import GoIndex
from harness.symbols.go.linetable import FunctionLines
from harness.symbols.instances import Instance
from harness.symbols.lines import PcLines, Range, merge_overlapping

STAGE = "scope tree"

FAR = "inlined instance: far from its definition"
INSTANCES = (dw.TAG_INLINED_SUBROUTINE, dw.TAG_SUBPROGRAM)


@dataclass(frozen=True, slots=True)
class Origin:
    """The definition behind an instance.

    Instances of it may be `near`; if `only_near`, it is certain that no others count for it.
    """

    name: str
    near: bool
    only_near: bool


class _Frame(Struct):
    """An instance, or a block inside one, on the way down."""

    depth: int
    is_instance: bool
    attributes: dict[int, Any]
    owner: _Owner
    ranges: list[Range] | None = None


class _Owner(Struct):
    """The instance that variables go to. Without lines it only passes `near` on."""

    origin: int
    near: bool
    file: str = ""
    lines: PcLines | None = None
    variables: dict[int, list[Range]] = {}


@dataclass(frozen=True, slots=True)
class PhysicalFunction:
    """A physical function: its unit, its lines, and whether instances in it may be near."""

    unit: Unit
    lines: FunctionLines | None
    near: bool


class InstanceCollector:
    """Collects the instances inside one physical function, entry by entry in file order.

    While its `stack` of instances and blocks in them is empty, only instances need to be fed.
    """

    def __init__(
        self,
        binary: GoBinary,
        index: GoIndex,
        find_origin: Callable[[int], Origin | None],
        place: PhysicalFunction,
    ) -> None:
        self._binary = binary
        self._index = index
        self._unit = place.unit
        self._lines = place.lines
        self._near = place.near
        self._strict = binary.options.locations == "strict"
        self._find_origin = find_origin
        self._size_of_variable = binary.types.size_of_variable
        self.stack: list[_Frame] = []

    def feed(self, die: Die) -> bool:
        """Take the next entry of the function; tell whether it is an instance or inside one."""
        stack = self.stack
        while stack and stack[-1].depth >= die.depth:
            self._pop()
        if die.tag in INSTANCES:
            self._push_instance(die)
        elif not stack:
            return False
        elif die.tag == dw.TAG_LEXICAL_BLOCK:
            stack.append(_Frame(die.depth, False, die.attributes, stack[-1].owner))
        elif stack[-1].owner.lines is not None:
            self._add_variable(stack[-1], stack[-1].owner.lines, die.attributes)
        return True

    def finish(self) -> None:
        """Store what is still open."""
        while self.stack:
            self._pop()

    def _push_instance(self, die: Die) -> None:
        offset = die.attributes.get(dw.AT_ABSTRACT_ORIGIN, -1)
        above = self.stack[-1].owner.near if self.stack else self._near
        origin = self._find_origin(offset)
        owner = _Owner(offset, above and origin is not None and origin.near)
        if origin is not None:
            if origin.only_near and not owner.near:
                self._binary.skipped[FAR] += 1
            else:
                self._place(owner, origin.name)
        self.stack.append(_Frame(die.depth, True, die.attributes, owner))

    def _place(self, owner: _Owner, name: str) -> None:
        found = self._lines.named(name) if self._lines else None
        if found is None:
            self._binary.skipped["inlined instance: no lines"] += 1
        else:
            owner.file, owner.lines = found.file, found.lines

    def _add_variable(self, frame: _Frame, lines: PcLines, attributes: dict[int, Any]) -> None:
        origin = attributes.get(dw.AT_ABSTRACT_ORIGIN)
        # Variables that only the instance has (some named results) cannot be attributed.
        if origin is None:
            return
        found = available_pcs(
            self._unit, attributes, self._size_of_variable, origin, strict=self._strict
        )
        if found is None:
            if frame.ranges is None:
                frame.ranges = pc_ranges(self._unit, frame.attributes)
            found = frame.ranges
        ranges = lines.spans(found)
        if ranges:
            frame.owner.variables.setdefault(origin, []).extend(ranges)

    def _pop(self) -> None:
        frame = self.stack.pop()
        owner = frame.owner
        if not frame.is_instance or owner.lines is None:
            return
        merged = {key: merge_overlapping(ranges) for key, ranges in owner.variables.items()}
        instance = Instance(owner.lines.injectible(), merged, owner.near, owner.file)
        self._index.instances.add(owner.origin, instance)
