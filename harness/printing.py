"""Tables in a terminal, of the columns that documents show too.

Where a terminal is too narrow for the columns, names are shortened; where that is not enough, each
row becomes lines of `header: cell`.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import IO

from msgspec.structs import replace
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table as Grid
from rich.text import Text

from harness.stats.labels import distinct, inert, shorten
from harness.tables import Column, T

_USUAL_WIDTH = 80
_LEAST_NAME = 10
_LONGEST_WORD = 16


def make_console(file: IO[str] | None = None, *, plain: bool = False) -> Console:
    """Return a console: the colours and width of its terminal, 80 plain columns if it is none.

    With `plain`, it has no colours wherever it is used: a notebook asks for them of all.
    """
    console = Console(
        file=file,
        highlight=False,
        soft_wrap=False,
        force_jupyter=False,
        force_terminal=False if plain else None,
    )
    if not console.is_terminal:
        console.width = _USUAL_WIDTH
    return console


def print_table(columns: Sequence[Column[T]], rows: Iterable[T], console: Console) -> None:
    """Print one table, as wide as it has to be; see `print_tables`."""
    print_tables(columns, {"": list(rows)}, console)


def print_tables(
    columns: Sequence[Column[T]], groups: Mapping[str, Sequence[T]], console: Console
) -> None:
    """Print a table for each group under its title, with names cut alike in all of them."""
    fitted = _fitted(columns, [row for rows in groups.values() for row in rows], console)
    for title, rows in groups.items():
        if title:
            console.print(Text(inert(title), style="bold"))
        if fitted is None:
            _print_stacked(columns, rows, console)
        else:
            console.print(_grid(fitted, rows))
        if title:
            console.print()


def _fitted(
    columns: Sequence[Column[T]], rows: Sequence[T], console: Console
) -> list[Column[T]] | None:
    """Return the columns with names short enough for all rows, or None where nothing fits."""
    more = max(0, console.width - _USUAL_WIDTH)
    fitted = [
        _shortened(column, rows, column.most + more if column.most else sys.maxsize)
        for column in columns
    ]
    for number, column in enumerate(columns):
        if column.kind != "name":  # nothing else gives way, and to measure is to lay out
            continue
        excess = _least_width(fitted, rows, console) - console.width
        if excess > 0:
            room = max(fitted[number].least - excess, _LEAST_NAME)
            fitted[number] = _shortened(column, rows, room)
    return fitted if _fits(fitted, rows, console) else None


def _shortened(column: Column[T], rows: Iterable[T], room: int) -> Column[T]:
    """Return a column whose names take at most `room` cells and still differ from each other."""
    if column.kind != "name":
        return column
    names = list(dict.fromkeys(column.cell(row) for row in rows))
    labels = {name: inert(name) for name in names}
    for width in range(min(room, _widest(labels)), 0, -1):  # wide characters take two cells each
        labels = distinct(names, width)
        if _widest(labels) <= room:
            break
    return replace(column, cell=lambda row: labels[column.cell(row)], least=_widest(labels))


def _widest(labels: Mapping[str, str]) -> int:
    return max(map(cell_len, labels.values()), default=0)


def _least_width(columns: Sequence[Column[T]], rows: Iterable[T], console: Console) -> int:
    """Return how narrow a table can be: only texts give way, and their words only when long."""
    unlimited = console.options.update(max_width=sys.maxsize)
    grid = _grid(columns, rows, _in_words)
    return Measurement.get(console, unlimited, grid).maximum


def _in_words(column: Column[T], row: T) -> Text:
    cell = _text(column, row)
    words = textwrap.wrap(cell.plain, _LONGEST_WORD)
    return Text("\n".join(words)) if column.kind == "text" else cell


def _fits(columns: Sequence[Column[T]], rows: Sequence[T], console: Console) -> bool:
    if _least_width(columns, rows, console) > console.width:
        return False
    lines = Segment.split_lines(console.render(_grid(columns, rows)))
    return all(Segment.get_line_length(line) <= console.width for line in lines)


def _text(column: Column[T], row: T) -> Text:
    return Text(inert(column.cell(row)), style=column.style(row) if column.style else "")


def _grid(
    columns: Sequence[Column[T]], rows: Iterable[T], cell: Callable[[Column[T], T], Text] = _text
) -> Grid:
    grid = Grid(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for column in columns:
        grid.add_column(
            _header(column),
            justify=column.justify,
            no_wrap=column.kind != "text",
            overflow="fold",
            min_width=max(column.least, _header(column).cell_len),
        )
    for row in rows:
        grid.add_row(*(cell(column, row) for column in columns))
    return grid


def _header(column: Column[T]) -> Text:
    return Text(inert(column.short or column.title))


def _print_stacked(columns: Sequence[Column[T]], rows: Sequence[T], console: Console) -> None:
    """Print a line for each cell; a number longer than the terminal runs on without a break."""
    if not rows:
        for column in columns:
            console.print(_header(column), style="bold", soft_wrap=True)
    for row in rows:
        for column in columns:
            header, cell = _header(column).append(":"), _text(column, row)
            header.stylize("bold")
            if header.cell_len + 1 + cell.cell_len <= console.width:
                console.print(header.append(" ").append_text(cell))
            else:
                console.print(header, soft_wrap=True)
                number = column.kind == "number"
                console.print(cell, soft_wrap=number, overflow=None if number else "fold")
        console.print()


def live_line(columns: Iterable[Column[T]], row: T | None = None) -> Text:
    """Return one row to print before the others are known, or without a row the headers.

    Each column is as wide as the least it declares; a longer number moves what follows.
    """
    line = Text()
    for column in columns:
        text = _header(column) if row is None else _text(column, row)
        if column.kind == "name":
            text.plain = set_cell_size(shorten(text.plain, column.least), column.least)
        gap = " " * max(0, column.least - text.cell_len)
        cell = (gap, text) if column.justify == "right" else (text, gap)
        line = Text.assemble(line, " " if line else "", *cell)
    return line
