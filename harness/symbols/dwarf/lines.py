"""Line number programs (DWARF 5, section 6.2): which source line each address belongs to."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.forms import read_sleb, read_uleb
from harness.symbols.dwarf.linehead import LineHeader, read_header

if TYPE_CHECKING:
    from harness.symbols.dwarf.units import Unit

STAGE = "extraction"

_WINDOW_BYTES = 64 * 1024
_SLACK_BYTES = 64
(_COPY, _ADVANCE_PC, _ADVANCE_LINE, _SET_FILE, _SET_COLUMN, _NEGATE, _BLOCK, _CONST_ADD_PC,
 _FIXED_ADVANCE) = range(1, 10)  # fmt: skip
_END_SEQUENCE, _SET_ADDRESS = 1, 2
# Half of what 32 bits hold: a sequence may run on for that long without being looked at again.
_NARROW_ADDRESS = 1 << 31
_NARROW_FILE = 1 << 16
_LINES = (1 << 32) - 1
"""Line numbers wrap at 32 bits, as those of other readers and of assemblers do."""


class LineTable:
    """The statement rows of one unit, by address. Rows of line 0 and end markers are left out.

    Addresses, lines and files lie in arrays of machine integers: 10 bytes a row, more only where
    a value needs more.
    """

    def __init__(self) -> None:
        self.addresses = array("I")
        self.lines = array("I")
        self.files = array("H")
        self._starts: list[tuple[int, int, int]] = []

    def add_sequence(self, first: int, *, discarded: bool, ordered: bool = True) -> None:
        """Close the sequence whose rows begin at index `first`, or forget it.

        It is `ordered` if its rows are known to be in the order of their addresses.
        """
        end = len(self.addresses)
        if not ordered and not discarded:
            self._sort(first)
        if discarded or first == end:
            for column in (self.addresses, self.lines, self.files):
                del column[first:]
        else:
            self._starts.append((self.addresses[first], first, end))

    def _sort(self, first: int) -> None:
        order = sorted(range(first, len(self.addresses)), key=self.addresses.__getitem__)
        for column in (self.addresses, self.lines, self.files):
            column[first:] = array(column.typecode, [column[row] for row in order])

    def widen(self, address: int, file: int) -> None:
        """Make room for rows from this address on, and for this file number."""
        if address >= _NARROW_ADDRESS and self.addresses.typecode == "I":
            self.addresses = array("Q", self.addresses)
        if file >= _NARROW_FILE and self.files.typecode == "H":
            self.files = array("I", self.files)

    def keep_one(self, address: int, line: int | None) -> None:
        """Of the sequences that begin at an address, keep the one that begins next after a line.

        Without a line, none is kept.
        """

        def distance(first: int) -> int:
            return self.lines[first] - (line or 0) & _LINES

        there = [first for start, first, _ in self._starts if start == address]
        kept = min(there, key=distance) if there and line is not None else None
        self._starts = [one for one in self._starts if one[0] != address or one[1] == kept]

    def seal(self) -> None:
        """Make the table searchable, once all sequences are in."""
        self._starts.sort()

    def iter_slices(self, low: int, high: int) -> Iterator[slice]:
        """Yield the rows whose address lies in [low, high), by address, as slices."""
        at = max(bisect_right(self._starts, (low, 1 << 62, 0)) - 1, 0)
        while at < len(self._starts) and self._starts[at][0] < high:
            _, first, end = self._starts[at]
            start = bisect_left(self.addresses, low, first, end)
            stop = bisect_left(self.addresses, high, start, end)
            if start < stop:
                yield slice(start, stop)
            at += 1

    def copy_rows(
        self, low: int, high: int, files: frozenset[int], begins: array[int], lines: array[int]
    ) -> None:
        """Append address and line of the rows in [low, high) whose file is one of `files`."""
        for piece in self.iter_slices(low, high):
            numbers = self.files[piece]
            if sum(map(numbers.count, files)) == len(numbers):
                begins.extend(memoryview(self.addresses)[piece])
                lines.extend(self.lines[piece])
                continue
            for index, number in enumerate(numbers, piece.start):
                if number in files:
                    begins.append(self.addresses[index])
                    lines.append(self.lines[index])

    def __len__(self) -> int:
        return len(self.addresses)


def read_lines(unit: Unit) -> LineTable:
    """Run the unit's line program. An absent one gives an empty table.

    Raises:
        InputRejected: The program is damaged or has more rows than the limit.
    """
    table = LineTable()
    offset = unit.attributes.get(dw.AT_STMT_LIST)
    if offset is not None:
        header = read_header(unit, offset)
        _Program(unit, header, table).run()
        table.seal()
    return table


class _Program:
    """The state machine of one line program."""

    def __init__(self, unit: Unit, header: LineHeader, table: LineTable) -> None:
        self.section = header.section
        self.header = header
        self.table = table
        self.order = unit.dwarf.order
        self.budget = unit.dwarf.budget
        self.dead_starts, self.dead_from = unit.dead_starts, unit.dead_from
        self.counted = 0
        spread = range(256 - header.opcode_base)
        self.advances = [header.minimum_length * (code // header.line_range) for code in spread]
        self.steps = [header.line_base + code % header.line_range for code in spread]
        self.const_add = self.advances[255 - header.opcode_base]

    def run(self) -> None:  # noqa: C901, PLR0912, PLR0915 - the hot loop, kept flat
        """Execute all opcodes, a window at a time."""
        header, table = self.header, self.table
        advances, steps, opcode_base = self.advances, self.steps, header.opcode_base
        add_address, add_line, add_file = (
            table.addresses.append,
            table.lines.append,
            table.files.append,
        )
        base, end = header.program, header.end
        data, at = self._window(base), 0
        first = len(table)
        ordered = True
        dead_starts, dead_from = self.dead_starts, self.dead_from
        nowhere = 0 in dead_starts
        address, line, file, statement, discarded = 0, 1, 1, header.default_is_stmt, nowhere
        while base + at < end:
            if at + _SLACK_BYTES > len(data) and base + len(data) < end:
                base, at = base + at, 0
                data = self._window(base)
            opcode = data[at]
            at += 1
            if opcode >= opcode_base:
                address += advances[opcode - opcode_base]
                line = line + steps[opcode - opcode_base] & _LINES
                if statement and line:
                    add_address(address)
                    add_line(line)
                    add_file(file)
            elif opcode == _COPY:
                if statement and line:
                    add_address(address)
                    add_line(line)
                    add_file(file)
            elif opcode == _ADVANCE_LINE:
                step = data[at]
                if step < 128:
                    at += 1
                    line += step if step < 64 else step - 128
                elif data[at + 1] < 128:
                    step += (data[at + 1] << 7) - 128
                    at += 2
                    line += step if step < 1 << 13 else step - (1 << 14)
                else:
                    step, at = read_sleb(data, at)
                    line += step
                line &= _LINES
            elif opcode == _SET_COLUMN:
                at += 1
                if data[at - 1] > 127:
                    _, at = read_uleb(data, at - 1)
            elif opcode == _NEGATE:
                statement = not statement
            elif opcode == 0:
                length = data[at]
                at += 1
                if length > 127:
                    length, at = read_uleb(data, at - 1)
                kind = data[at] if length else 0
                if kind == _SET_ADDRESS:
                    address = int.from_bytes(data[at + 1 : at + length], self.order)
                    dead = address in dead_starts or address >= dead_from
                    if dead != discarded and len(table) > first:
                        table.add_sequence(first, discarded=discarded, ordered=ordered)
                        first, ordered = len(table), True
                    discarded = dead
                    if address >= dead_from:
                        address = 0  # which leaves room to count on
                    # Nothing else moves backwards.
                    if len(table) > first and address < table.addresses[-1]:
                        ordered = False
                    if address >= _NARROW_ADDRESS:
                        table.widen(address, file)
                        add_address = table.addresses.append
                elif kind == _END_SEQUENCE:
                    table.add_sequence(first, discarded=discarded, ordered=ordered)
                    first = len(table)
                    ordered = True
                    address, line, file = 0, 1, 1
                    statement, discarded = header.default_is_stmt, nowhere
                at += length
                if at > len(data):
                    base, at = base + at, 0
                    data = self._window(base) if base < end else b""
            elif opcode == _CONST_ADD_PC:
                address += self.const_add
            elif opcode == _ADVANCE_PC:
                step, at = read_uleb(data, at)
                address += step * header.minimum_length
            elif opcode == _SET_FILE:
                file = data[at]
                at += 1
                if file > 127:
                    file, at = read_uleb(data, at - 1)
                if file >= _NARROW_FILE:
                    table.widen(address, file)
                    add_file = table.files.append
            elif opcode == _FIXED_ADVANCE:
                address += int.from_bytes(data[at : at + 2], self.order)
                at += 2
            else:
                for _ in range(header.operands[opcode - 1]):
                    _, at = read_uleb(data, at)
        self._count()
        table.add_sequence(first, discarded=True)

    def _window(self, offset: int) -> bytes:
        """Return what to run next; a window holds no more rows than it has bytes."""
        self._count()
        return self.section.window(offset, _WINDOW_BYTES)

    def _count(self) -> None:
        """Spend the rows that came since the last time; a discarded sequence takes its own back."""
        rows = len(self.table)
        self.budget.spend_rows(rows - self.counted)
        self.counted = rows
