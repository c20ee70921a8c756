"""Tables for people: a column is declared once, and a terminal, Markdown and HTML walk it.

No format cuts a number or leaves a header out. Where a terminal is too narrow for the columns,
names are shortened; where that is not enough, each row becomes lines of `header: cell`.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import IO, Generic, Literal, TypeVar

from markupsafe import Markup, escape
from msgspec import Struct
from msgspec.structs import replace
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table as Grid
from rich.text import Text

from harness.stats.labels import Markdown, code, distinct, inert, plain, shorten

T = TypeVar("T")

NOTHING = "-"
"""What a cell shows where there is no value."""

_TURN = " -> "  # pure ASCII: there are still terminals and logs that are
_TURN_ON_PAGE = " \N{RIGHTWARDS ARROW} "

_USUAL_WIDTH = 80
_LEAST_NAME = 10
_LONGEST_WORD = 16
_DOCUMENT_NAME = 60
_FIRST = {True: "descending", False: "ascending"}
_RULES = {"left": "---", "center": ":-:", "right": "---:"}


class Column(Struct, Generic[T], frozen=True, kw_only=True):
    """One column: what it is called, what its cells show, and what they are sorted by.

    A `name` is shortened in the middle where there is no room, and is code in Markdown; `text` is
    folded; a `number` is aligned right and never touched.

    Attributes:
        key: What code calls the column.
        header: What people call it, if not by its key.
        cell: Returns the text of a cell.
        kind: How a cell may be changed to fit.
        short: The header in a terminal, where the usual one is too long.
        long: The header in Markdown, where there is room for more words.
        sort: Returns what a row is sorted by; None sorts last. Without it the text decides.
        exact: Returns the unrounded value, which a page shows when it is pointed at.
        style: Returns the style of a cell in a terminal.
        hint: What the column means, which a page shows when its header is pointed at.
        css: The classes of its cells on a page; a number has its own without it.
        rising: The first click on the header of a number puts the smallest first.
        head: Its cells are the headers of their rows.
        align: How its cells are aligned; numbers are to the right without it, others to the left.
        least: The fewest characters in a terminal, so that tables below each other line up.
        most: The most characters of a name in 80 columns; a wider terminal adds to them.
        markdown: Returns a cell that is Markdown already.
        html: Returns a cell that is HTML already.
    """

    key: str
    header: str = ""
    cell: Callable[[T], str]
    kind: Literal["name", "text", "number"] = "text"
    short: str = ""
    long: str = ""
    sort: Callable[[T], float | str | None] | None = None
    exact: Callable[[T], str] | None = None
    style: Callable[[T], str] | None = None
    hint: str = ""
    css: str = ""
    rising: bool = False
    head: bool = False
    align: Literal["", "left", "center", "right"] = ""
    least: int = 0
    most: int = 0
    markdown: Callable[[T], Markdown] | None = None
    html: Callable[[T], Markup] | None = None

    @property
    def title(self) -> str:
        """What people call it."""
        return self.header or self.key

    @property
    def classes(self) -> str:
        """The classes of its cells on a page."""
        return f"num {self.css}".rstrip() if self.kind == "number" else self.css

    @property
    def justify(self) -> Literal["left", "center", "right"]:
        """How its cells are aligned."""
        return self.align or ("right" if self.kind == "number" else "left")


def turn(old: str, new: str) -> str:
    """Return what the baseline has and what the candidate has, with an arrow between them."""
    return NOTHING if old == new == NOTHING else f"{old}{_TURN}{new}"


def pick(columns: Iterable[Column[T]], keys: str) -> list[Column[T]]:
    """Return the columns with these keys, which spaces separate, in the order of the keys.

    A key that no column has here is left out.
    """
    known = {column.key: column for column in columns}
    return [known[key] for key in keys.split() if key in known]


def markdown_table(columns: Sequence[Column[T]], rows: Iterable[T]) -> Markdown:
    """Return a Markdown table, without a line break at its end."""
    head = [plain(column.long or column.title) for column in columns]
    rule = [_RULES[column.justify] for column in columns]
    body = ([_markdown_cell(column, row) for column in columns] for row in rows)
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *body)]
    return Markdown("\n".join([lines[0], f"|{'|'.join(rule)}|", *lines[1:]]))


def _markdown_cell(column: Column[T], row: T) -> Markdown:
    if column.markdown is not None:
        return column.markdown(row)
    text = column.cell(row)
    return code(shorten(text, _DOCUMENT_NAME)) if column.kind == "name" else plain(text)


def html_head(columns: Iterable[Column[T]]) -> Markup:
    """Return the header cells of an HTML table; each holds a button for a script that sorts."""
    return Markup("\n").join(
        Markup(
            '<th scope="col"{}><button type="button" disabled>{}'
            '<span class="arrow" aria-hidden="true"></span></button></th>'
        ).format(
            _attributes(
                {
                    "class": column.classes,
                    "title": inert(column.hint),
                    "data-kind": "number" if column.kind == "number" else "text",
                    "data-first": _FIRST[column.kind == "number" and not column.rising],
                }
            ),
            inert(column.title),
        )
        for column in columns
    )


def html_table(columns: Sequence[Column[T]], rows: Iterable[T]) -> Markup:
    """Return an HTML table whose rows stand in their order, for good."""
    head = Markup("").join(
        Markup('<th scope="col"{}>{}</th>').format(
            _attributes({"class": column.classes}), inert(column.long or column.title)
        )
        for column in columns
    )
    body = Markup("\n").join(Markup("<tr>{}</tr>").format(html_cells(columns, row)) for row in rows)
    return Markup(
        '<table class="plain"><thead><tr>{}</tr></thead>\n<tbody>\n{}\n</tbody></table>'
    ).format(head, body)


def html_cells(columns: Iterable[Column[T]], row: T) -> Markup:
    """Return the cells of one row; a name is the header of its row."""
    return Markup("\n").join(_html_cell(column, row) for column in columns)


def _html_cell(column: Column[T], row: T) -> Markup:
    text = inert(column.cell(row))
    attributes = {"class": column.classes, "title": column.exact(row) if column.exact else ""}
    if column.sort is not None:
        key = column.sort(row)
        attributes["data-key"] = "" if key is None else inert(str(key))
    on_page = text.replace(_TURN, _TURN_ON_PAGE) if column.kind == "number" else text
    shown = column.html(row) if column.html else escape(on_page)
    if column.head:
        return Markup('<th scope="row"{}>{}</th>').format(_attributes(attributes), shown)
    return Markup("<td{}>{}</td>").format(_attributes(attributes), shown)


def _attributes(found: Mapping[str, str]) -> Markup:
    return Markup("").join(
        Markup(' {}="{}"').format(name, value)
        for name, value in found.items()
        if value or name == "data-key"
    )


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
    columns: Sequence[Column[T]],
    rows: Iterable[T],
    cell: Callable[[Column[T], T], Text] = _text,
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
