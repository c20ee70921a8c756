"""Walk debugging information entries without building them: one window, one entry at a time."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.errors import InputRejected
from harness.symbols.dwarf.constants import AT_SIBLING
from harness.symbols.dwarf.forms import read_uleb
from harness.symbols.limits import beyond

if TYPE_CHECKING:
    from harness.symbols.dwarf.units import Unit
    from harness.symbols.sections import Section

STAGE = "extraction"

_WINDOW_BYTES = 64 * 1024
_LEAST_BYTES = 1024
_ENTRY_BYTES = 256
_NO_TAGS: frozenset[int] = frozenset()
_CUT = (IndexError, ValueError, struct.error)
"""What a decoder raises when an entry does not end inside its window."""


class Die(NamedTuple):
    """One entry, as it is met. `depth` counts from the entry that the walk started at."""

    depth: int
    offset: int
    tag: int
    has_children: bool
    attributes: dict[int, Any]


def read_die(unit: Unit, offset: int) -> Die:
    """Read the one entry at `offset`, which must lie in `unit`.

    Raises:
        InputRejected: There is no entry, or it runs out of its unit.
    """
    if not unit.first <= offset < unit.end:
        raise InputRejected("a reference out of its unit", section=unit.info.name, offset=offset)
    size = _ENTRY_BYTES
    while True:
        size = min(size, unit.end - offset)
        data, start = unit.info.glance(offset, size)
        try:
            code, at = data[start], start + 1
            if code > 127:
                code, at = read_uleb(data, start)
            abbreviation = unit.table[code]
            at, attributes = abbreviation.decode(data, at, unit.offset)
        except KeyError:
            raise _unknown(unit, offset) from None
        except _CUT:
            at = len(data) + 1
        if at <= len(data) and at - start <= unit.end - offset:
            return _new(Die, (0, offset, abbreviation.tag, abbreviation.has_children, attributes))
        if size == unit.end - offset:
            raise _endless(unit, offset)
        size *= 8


_new = tuple.__new__
"""What `Die(...)` does, without its frame: it runs once an entry."""


class Walk:
    """A walk over one entry and everything below it, in file order.

    Args:
        unit: The unit that holds the entries.
        start: Offset of the entry to start at.
        tags: Which tags to decode and yield; None for all. Others are passed over.
        info: A view of the section, for a walk that is short and far from those around it.
        into: Which tags to look for children below, beside the entry at the start; None for all.

    A consumer that does not want the children of the entry it was just given calls `prune`.

    Attributes:
        rose: How far up the walk was since the entry before this one. Entries at this depth are
            over; its own may be deeper, below one that is not among `tags`.
    """

    def __init__(
        self,
        unit: Unit,
        start: int,
        tags: frozenset[int] | None = None,
        info: Section | None = None,
        into: frozenset[int] | None = None,
    ) -> None:
        self._unit = unit
        self._info = info or unit.info
        self._start = start
        self._tags = tags
        self._into = into
        self._pruned = False
        self.rose = 0

    def prune(self) -> None:
        """Pass over the children of the entry yielded last."""
        self._pruned = True

    def __iter__(self) -> Iterator[Die]:  # noqa: C901, PLR0912, PLR0915 - the hot loop, kept flat
        unit, info, tags, into = self._unit, self._info, self._tags, self._into
        table = unit.table
        end, unit_offset, most = unit.end, unit.offset, unit.dwarf.elf.limits.depth
        data, at = info.near(self._start, min(_LEAST_BYTES, end - self._start))
        base = self._start - at
        limit = min(len(data), end - base)
        depth = size = stuck = 0
        new = _new
        highest = most
        hidden = 0  # entries deeper than this are passed over, unless it is 0
        passing = table.steps(_NO_TAGS)
        steps = showing = table.steps(tags)
        while True:
            begin = at
            try:
                code = data[at]
                step = steps[code]
                if step and depth and at + step <= limit:
                    at += step
                    continue
                at += 1
                if code == 0:
                    depth -= 1
                    if depth <= 0:
                        return
                    if depth < highest:  # noqa: PLR1730 - a call costs ten times as much
                        highest = depth
                    if depth == hidden:
                        hidden, steps = 0, showing
                    continue
                if code > 127:
                    code, at = read_uleb(data, begin)
                abbreviation = table[code]
                tag = abbreviation.tag
                shown = not hidden and (tags is None or tag in tags)
                if shown:
                    at, attributes = abbreviation.decode(data, at, unit_offset)
                elif abbreviation.fixed >= 0:
                    at += abbreviation.fixed
                else:
                    at = abbreviation.skip(data, at, unit_offset)[0]
            except KeyError:
                raise _unknown(unit, base + begin) from None
            except _CUT:
                at = limit + 1
            if at > limit:
                here = base + begin
                if here == stuck and size >= end - here:
                    raise _endless(unit, here)
                unit.dwarf.budget.check_time()
                size = size * 4 if here == stuck else _WINDOW_BYTES
                stuck = here
                data, at = info.near(here, min(size, end - here))
                base = here - at
                limit = min(len(data), end - base)
                continue
            pruned = False
            if shown:
                self.rose = highest if highest < depth else depth  # noqa: FURB136 - as above
                highest = most
                yield new(Die, (depth, base + begin, tag, abbreviation.has_children, attributes))
                if self._pruned:
                    self._pruned, pruned = False, True
            if not abbreviation.has_children:
                if depth == 0:
                    return
                continue
            if not hidden and (pruned or (into is not None and depth and tag not in into)):
                if depth == 0:
                    return
                sibling = attributes.get(AT_SIBLING, 0) if shown else 0
                if base + at <= sibling < end:
                    at = sibling - base
                    if at > limit:
                        data, at = info.near(sibling, 1)
                        base = sibling - at
                        limit = min(len(data), end - base)
                    continue
                hidden, steps = depth, passing
            if depth < highest and not shown:
                highest = depth
            depth += 1
            if depth > most:
                reason = f"entries nested more than {most} deep"
                raise beyond("depth", most, reason, section=info.name, offset=base + begin)


def iter_children(unit: Unit, start: int, tags: frozenset[int] | None = None) -> Iterator[Die]:
    """Yield the direct children of the entry at `start`."""
    for die in Walk(unit, start, tags, unit.aside, _NO_TAGS):
        if die.depth == 1:
            yield die


def _unknown(unit: Unit, offset: int) -> InputRejected:
    return InputRejected(
        "an entry with an unknown abbreviation code", section=unit.info.name, offset=offset
    )


def _endless(unit: Unit, offset: int) -> InputRejected:
    return InputRejected("an entry without end", section=unit.info.name, offset=offset)
